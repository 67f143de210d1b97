package schema_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"settle/storage/couch"
	"settle/storage/schema"
)

// Keys of purges sort by id, then by revisions, then by number, and read back.
func TestPurgedKeyOrder(t *testing.T) {
	a, b := couch.RevID{Gen: 2, Hash: "a"}, couch.RevID{Gen: 2, Hash: "a\x00"}
	late := couch.RevID{Gen: 256, Hash: "\xff"}
	ordered := []struct {
		row schema.PurgeRow
		n   uint64
	}{
		{schema.PurgeRow{ID: ""}, 9}, {schema.PurgeRow{ID: "x"}, 1}, {schema.PurgeRow{ID: "x"}, 256},
		{schema.PurgeRow{ID: "x", Revs: []couch.RevID{a}}, 7},
		{schema.PurgeRow{ID: "x", Revs: []couch.RevID{a, b}}, 2},
		{schema.PurgeRow{ID: "x", Revs: []couch.RevID{a, late}}, 3},
		{schema.PurgeRow{ID: "x", Revs: []couch.RevID{b}}, 1},
		{schema.PurgeRow{ID: "x", Revs: []couch.RevID{late}}, 1},
		{schema.PurgeRow{ID: "x\x00", Revs: []couch.RevID{a}}, 1}, {schema.PurgeRow{ID: "xy"}, 1},
	}
	var keys [][]byte
	for _, o := range ordered {
		key := o.row.PurgedKey(o.n)
		keys = append(keys, key)
		got, n, ok := schema.ParsePurgedKey(key)
		if !ok || n != o.n || !cmp.Equal(*got, o.row) {
			t.Errorf("%v %d reads back as %v %d %v", o.row, o.n, got, n, ok)
		}
		if _, _, ok := schema.ParsePurgedKey(key[:len(key)-1]); ok {
			t.Errorf("%v is read from a key that is cut", o.row)
		}
	}
	if !slices.IsSortedFunc(keys, bytes.Compare) {
		t.Errorf("not in order: %x", keys)
	}
}

func FuzzPurgedKey(f *testing.F) {
	f.Add(schema.NewPurgeRow("a", []couch.RevID{{Gen: 1, Hash: "b"}}).PurgedKey(3))
	f.Fuzz(func(t *testing.T, key []byte) {
		row, n, ok := schema.ParsePurgedKey(key)
		if ok && !bytes.Equal(row.PurgedKey(n), key) {
			t.Errorf("%x is read as %v, %d", key, row, n)
		}
	})
}
