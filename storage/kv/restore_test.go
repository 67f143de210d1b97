package kv_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"settle/storage/kv"
)

// TestLostFile removes each file of a closed store in turn: opening it fails, or
// everything is there.
func TestLostFile(t *testing.T) {
	make := func() *vfs.MemFS {
		fs := vfs.NewMem()
		for round := range 2 {
			s := open(t, kv.PebbleOptions{FS: fs, Dir: "data"})
			update(t, s, kv.Partition{1}, func(tx kv.Tx) error { tx.Set(fmt.Append(nil, round), nil); return nil })
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
		return fs
	}
	names, err := make().List("data")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		for _, readOnly := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/readonly=%v", name, readOnly), func(t *testing.T) {
				fs := make()
				if err := fs.Remove("data/" + name); err != nil {
					t.Skip("another run has not made the file")
				}
				s, err := kv.OpenPebble(kv.PebbleOptions{FS: fs, Dir: "data", ReadOnly: readOnly})
				if err != nil {
					if strings.HasPrefix(name, "marker.manifest") && !errors.Is(err, kv.ErrCorrupt) {
						t.Errorf("OpenPebble: %v, want ErrCorrupt", err)
					}
					return
				}
				defer s.Close()
				if n := countRows(t, s, kv.Partition{1}); n != 2 {
					t.Errorf("%d rows, want 2", n)
				}
			})
		}
	}
}

// TestHalfMadeStore: what a crash leaves of a first opening is no damaged store.
func TestHalfMadeStore(t *testing.T) {
	fs := vfs.NewMem()
	if err := fs.MkdirAll("data", 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"marker.settle-kv.000001.2", "MANIFEST-000001"} {
		f, err := fs.Create("data/"+name, vfs.WriteCategoryUnspecified)
		if err := errors.Join(err, f.Close()); err != nil {
			t.Fatal(err)
		}
	}
	if err := open(t, kv.PebbleOptions{FS: fs, Dir: "data"}).Close(); err != nil {
		t.Fatal(err)
	}
}
