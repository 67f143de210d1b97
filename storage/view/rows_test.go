package view_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"settle/storage/collate"
	"settle/storage/view"
)

// Raw keys sort as the texts do in raw order, and none begins another's.
func FuzzRawKey(f *testing.F) {
	for i, a := range values {
		f.Add(a, values[(i+7)%len(values)])
	}
	f.Add(`"a\u0000"`, `"a\u0000\u0001"`)
	f.Add(`{"a":[1,{"b":null}]}`, `{"a":[1,{"b":false}],"c":1}`)
	f.Fuzz(func(t *testing.T, a, b string) {
		x, err1 := view.AppendRawKey(nil, []byte(a))
		y, err2 := view.AppendRawKey(nil, []byte(b))
		if err1 == nil && !json.Valid([]byte(a)) {
			t.Fatalf("%q has a key and is no JSON", a)
		}
		if err1 != nil || err2 != nil {
			return
		}
		order := collate.CompareRaw([]byte(a), []byte(b))
		if bytes.Compare(x, y) != order {
			t.Fatalf("%q and %q compare %d, their keys %x and %x do not", a, b, order, x, y)
		}
		if order != 0 && bytes.HasPrefix(y, x) {
			t.Fatalf("the key of %q begins that of %q", a, b)
		}
	})
}

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
