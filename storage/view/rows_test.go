package view_test

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"settle/storage/view"
)

func FuzzRow(f *testing.F) {
	key, value := view.EncodeRow("stem", "id\x00", view.Emitted{Key: "[1]", Value: `"x"`})
	f.Add(key, value)
	f.Add([]byte("abcdefgh\x00\x01\x00\x00\x00\x00"), []byte{2, 0})
	f.Fuzz(func(t *testing.T, key, value []byte) {
		stem, id, e, err := view.DecodeRow(key, value)
		if err != nil {
			return
		}
		again, text := view.EncodeRow(stem, id, e)
		if !bytes.Equal(again[:len(again)-4], key[:len(key)-4]) {
			t.Fatalf("key %x is %q, %q, which make %x", key, stem, id, again)
		}
		if _, _, f, err := view.DecodeRow(again, text); err != nil || f != e {
			t.Fatalf("%x, %x: %+v, then %+v, %v", key, value, e, f, err)
		}
	})
}

func FuzzDocRow(f *testing.F) {
	f.Add(view.EncodeDocRow([][]string{{"a", "a", "b"}, nil, {""}}, 5))
	f.Add([]byte{1, 0, 0, 200, 1})
	f.Fuzz(func(t *testing.T, data []byte) {
		stems, size, err := view.DecodeDocRow(data, 3)
		if err != nil {
			return
		}
		again, sizeAgain, err := view.DecodeDocRow(view.EncodeDocRow(stems, size), 3)
		if diff := cmp.Diff(stems, again); diff != "" || err != nil || size != sizeAgain {
			t.Fatalf("%x: %s; %v", data, diff, err)
		}
	})
}

func FuzzHead(f *testing.F) {
	f.Add(view.SomeHead())
	f.Add(bytes.Repeat([]byte{1}, 60))
	f.Fuzz(func(t *testing.T, data []byte) {
		again, ok := view.RecodeHead(data)
		if !ok {
			return
		}
		if third, ok := view.RecodeHead(again); !ok || !bytes.Equal(again, third) {
			t.Fatalf("%x is %x, then %x", data, again, third)
		}
	})
}
