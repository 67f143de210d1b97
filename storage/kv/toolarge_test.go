package kv_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"settle/storage/kv"
)

// A transaction that grows beyond what the engine takes fails alone, whatever it is
// made of, and leaves nothing behind.
func TestTooLarge(t *testing.T) {
	const limit = 64 << 10
	p := kv.Partition{7}
	s := open(t, kv.PebbleOptions{FS: vfs.NewMem(), Dir: "data"})
	defer s.Close()
	kv.SetMaxBatch(s, limit)
	key := func(n int) []byte { return append(bytes.Repeat([]byte("k"), 1000), byte(n)) }
	value := make([]byte, limit/2)
	for _, test := range []struct {
		name string
		fn   func(tx kv.Tx)
		want error
	}{
		{"as large as may be", func(tx kv.Tx) { tx.Set([]byte("a"), value) }, nil},
		{"one value", func(tx kv.Tx) { tx.Set([]byte("b"), make([]byte, limit)) }, kv.ErrTooLarge},
		{"one key", func(tx kv.Tx) { tx.Delete(make([]byte, limit)) }, kv.ErrTooLarge},
		{"many values", func(tx kv.Tx) {
			for n := range 10 {
				tx.Set(key(n), value)
			}
		}, kv.ErrTooLarge},
		{"many deletions", func(tx kv.Tx) {
			for n := range 100 {
				tx.Delete(key(n))
			}
		}, kv.ErrTooLarge},
		{"many deletions of ranges", func(tx kv.Tx) {
			for n := range 100 {
				tx.DeleteRange(key(n), key(n+1))
			}
		}, kv.ErrTooLarge},
		{"a small write behind", func(tx kv.Tx) {
			tx.Set([]byte("b"), make([]byte, limit))
			tx.Set([]byte("b"), nil)
		}, kv.ErrTooLarge},
		{"the next one", func(tx kv.Tx) { tx.Set([]byte("c"), nil) }, nil},
	} {
		before := version(t, s, p)
		err := s.Update(t.Context(), p, func(tx kv.Tx) error {
			test.fn(tx)
			return nil
		})
		if !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", test.name, err, test.want)
		}
		if wrote := version(t, s, p) > before; wrote != (test.want == nil) {
			t.Errorf("%s: something is written: %v", test.name, wrote)
		}
	}
}

// version returns the number that grows with every commit to a partition.
func version(t *testing.T, s kv.Store, p kv.Partition) uint64 {
	t.Helper()
	versions, err := s.Versions(t.Context(), []kv.Partition{p})
	if err != nil {
		t.Fatal(err)
	}
	return versions[0]
}
