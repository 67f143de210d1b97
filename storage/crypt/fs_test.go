package crypt_test

import (
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"settle/storage/crypt"
)

func newKeyring(t testing.TB) *crypt.Keyring {
	t.Helper()
	k, err := crypt.NewKeyring()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestStoreReopens(t *testing.T) {
	mem, k := vfs.NewMem(), newKeyring(t)
	for generation := range 3 {
		db, err := pebble.Open("store", &pebble.Options{FS: crypt.NewFS(mem, k)})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 1000 * generation {
			v, closer, err := db.Get(fmt.Appendf(nil, "key %06d", i))
			if err != nil {
				t.Fatal(generation, i, err)
			}
			if want := fmt.Sprintf("value %d", i); string(v) != want {
				t.Fatalf("got %q, want %q", v, want)
			}
			closer.Close()
		}
		for i := range 1000 * (generation + 1) {
			if err := db.Set(fmt.Appendf(nil, "key %06d", i), fmt.Appendf(nil, "value %d", i), pebble.NoSync); err != nil {
				t.Fatal(err)
			}
		}
		if generation == 1 {
			if err := db.Flush(); err != nil {
				t.Fatal(err)
			}
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
