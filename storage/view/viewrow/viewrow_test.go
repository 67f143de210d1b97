package viewrow_test

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"settle/storage/view/viewrow"
)

func FuzzRow(f *testing.F) {
	f.Add(viewrow.Key([]byte("stem"), "id\x00", 0), viewrow.Encode(len("stem"), "[1]", `"x"`))
	f.Add([]byte("abcdefgh\x00\x01\x00\x00\x00\x00"), []byte{2, 0})
	f.Fuzz(func(t *testing.T, key, value []byte) {
		row, err := viewrow.Decode(key, value)
		if err != nil {
			return
		}
		again, text := viewrow.Key(row.Stem, row.ID, 0), viewrow.Encode(len(row.Stem), string(row.Key), string(row.Value))
		if !bytes.Equal(again[:len(again)-4], key[:len(key)-4]) {
			t.Fatalf("key %x is %q, %q, which make %x", key, row.Stem, row.ID, again)
		}
		second, err := viewrow.Decode(again, text)
		if diff := cmp.Diff(row, second); diff != "" || err != nil {
			t.Fatalf("%x, %x: %s, %v", key, value, diff, err)
		}
	})
}

func FuzzDoc(f *testing.F) {
	some := viewrow.Doc{Bytes: 5, Stems: [][][]byte{{[]byte("a"), []byte("a"), []byte("b")}, nil, {nil}}}
	f.Add(some.Encode())
	f.Add([]byte{1, 0, 0, 200, 1})
	f.Fuzz(func(t *testing.T, data []byte) {
		doc, err := viewrow.DecodeDoc(data, 3)
		if err != nil {
			return
		}
		again, err := viewrow.DecodeDoc(doc.Encode(), 3)
		if diff := cmp.Diff(doc, again); diff != "" || err != nil {
			t.Fatalf("%x: %s; %v", data, diff, err)
		}
	})
}
