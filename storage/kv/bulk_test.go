package kv_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"settle/storage/crypt"
	"settle/storage/kv"
)

// putBulk commits so many rows of 1 kB.
func putBulk(t *testing.T, s *kv.Pebble, from, n int, opts ...kv.UpdateOption) {
	t.Helper()
	err := s.Update(t.Context(), kv.Partition{1}, func(tx kv.Tx) error {
		for i := from; i < from+n; i++ {
			tx.Set(fmt.Appendf(nil, "%06d", i), make([]byte, 1<<10))
		}
		return nil
	}, append(opts, kv.Bulk)...)
	if err != nil {
		t.Fatal(err)
	}
}

// Which commits go past the log: large ones that delete nothing.
func TestBulk(t *testing.T) {
	for _, tt := range []struct {
		name   string
		commit func(tx kv.Tx)
		want   bool
	}{
		{"small", func(tx kv.Tx) { tx.Set([]byte("k"), make([]byte, 1<<10)) }, false},
		{"large", func(tx kv.Tx) { tx.Set([]byte("k"), make([]byte, 1<<20)) }, true},
		{"a deletion", func(tx kv.Tx) { tx.Set([]byte("k"), make([]byte, 1<<20)); tx.Delete([]byte("l")) }, false},
		{"a range", func(tx kv.Tx) { tx.Set([]byte("k"), make([]byte, 1<<20)); tx.DeleteRange([]byte("l"), nil) }, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := open(t, kv.PebbleOptions{FS: crypt.NewFS(vfs.NewMem(), newKeyring(t)), Dir: "data"})
			defer s.Close()
			p := kv.Partition{1}
			before, err := s.Versions(t.Context(), []kv.Partition{p})
			if err != nil {
				t.Fatal(err)
			}
			woken := s.Wait(p)
			if err := s.Update(t.Context(), p, func(tx kv.Tx) error { tt.commit(tx); return nil }, kv.Bulk); err != nil {
				t.Fatal(err)
			}
			if got := kv.Ingested(s) > 0; got != tt.want {
				t.Errorf("past the log: %v, want %v", got, tt.want)
			}
			after, err := s.Versions(t.Context(), []kv.Partition{p})
			if err != nil || after[0] <= before[0] {
				t.Errorf("version %v behind %v, %v", after, before, err)
			}
			select {
			case <-woken:
			case <-time.After(time.Minute):
				t.Error("who waits for a commit was not woken")
			}
		})
	}
}

// What cannot be written to tables goes through the log, and nothing is lost.
func TestBulkFaults(t *testing.T) {
	for name, kind := range map[string]errorfs.OpKind{
		"creation": errorfs.OpCreate, "write": errorfs.OpFileWrite, "sync": errorfs.OpFileSync,
	} {
		for _, sealed := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/sealed=%v", name, sealed), func(t *testing.T) {
				f := &faults{kinds: []errorfs.OpKind{kind}, file: ".sst"}
				var fs vfs.FS = errorfs.Wrap(vfs.NewMem(), f)
				if sealed {
					fs = crypt.NewFS(fs, newKeyring(t))
				}
				o := kv.PebbleOptions{FS: fs, Dir: "data", MemTableBytes: 256 << 10}
				s := open(t, o)
				f.on.Store(true)
				putBulk(t, s, 0, 50)
				if n := kv.Ingested(s); n != 0 {
					t.Errorf("%d tables written", n)
				}
				if n := countRows(t, s, kv.Partition{1}); n != 50 {
					t.Errorf("%d rows, want 50", n)
				}
				f.on.Store(false)
				putBulk(t, s, 40, 50, kv.Lazy)
				if n := kv.Ingested(s); n == 0 {
					t.Error("no tables written, once that was possible")
				}
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				s = open(t, o)
				defer s.Close()
				if n := countRows(t, s, kv.Partition{1}); n != 90 {
					t.Errorf("%d rows, want 90", n)
				}
			})
		}
	}
}
