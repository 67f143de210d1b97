package kv_test

import (
	"testing"

	"filippo.io/age"
	"github.com/cockroachdb/pebble/v2/vfs"

	"settle/storage/crypt"
	"settle/storage/kv"
	"settle/storage/kv/kvtest"
)

// newKeyring makes a keyring for one test.
func newKeyring(t testing.TB) *crypt.Keyring {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	k, err := crypt.NewKeyring(id.Recipient().String())
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// place is where a test keeps a store.
type place struct {
	name string
	make func(t testing.TB) (vfs.FS, string)
}

var places = []place{
	{"memory", func(testing.TB) (vfs.FS, string) { return vfs.NewMem(), "data" }},
	{"directory", func(t testing.TB) (vfs.FS, string) { return vfs.Default, t.TempDir() }},
	{"sealed memory", func(t testing.TB) (vfs.FS, string) { return crypt.NewFS(vfs.NewMem(), newKeyring(t)), "data" }},
	{"sealed directory", func(t testing.TB) (vfs.FS, string) { return crypt.NewFS(vfs.Default, newKeyring(t)), t.TempDir() }},
}

func TestConformance(t *testing.T) {
	for _, place := range places {
		t.Run(place.name, func(t *testing.T) {
			kvtest.Run(t, func(t *testing.T) func() kv.Store {
				fs, dir := place.make(t)
				return func() kv.Store { return open(t, kv.PebbleOptions{FS: fs, Dir: dir}) }
			})
		})
	}
}

// open opens a small store that has to stay healthy, or fails the test.
func open(t testing.TB, o kv.PebbleOptions) *kv.Pebble {
	t.Helper()
	if o.Fatal == nil {
		o.Fatal = func(err error) { t.Errorf("the store failed: %v", err) }
	}
	if o.MemTableBytes == 0 {
		o.MemTableBytes = 1 << 20
	}
	if o.CacheBytes == 0 {
		o.CacheBytes = 4 << 20
	}
	if o.ReserveBytes == 0 {
		o.ReserveBytes = 1 << 20
	}
	s, err := kv.OpenPebble(o)
	if err != nil {
		t.Fatalf("OpenPebble: %v", err)
	}
	return s
}
