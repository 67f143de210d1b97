package rawkey_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"

	"settle/storage/collate"
	"settle/storage/view/rawkey"
)

var values = []string{
	"-2", "1", "1.5", "false", "null", "true", "{}", `{"B":1}`, `{"a":1}`, `{"a":1,"b":0}`, `{"a":2}`, `{"aa":0}`, "[]", "[1]", "[1,2]",
	`["a"]`, `["a","a"]`, `""`, `"A"`, `"B"`, `"a"`, `"a\u0000"`, `"a\u0000b"`, "\"e\u0301\"", `"é"`,
}

func TestOrder(t *testing.T) {
	for _, a := range values {
		for _, b := range values {
			x, err1 := rawkey.Append(nil, []byte(a))
			y, err2 := rawkey.Append(nil, []byte(b))
			if want := collate.CompareRaw([]byte(a), []byte(b)); err1 != nil || err2 != nil || bytes.Compare(x, y) != want {
				t.Errorf("%s and %s: keys compare %d, want %d; %v, %v", a, b, bytes.Compare(x, y), want, err1, err2)
			}
		}
	}
}

func TestInvalid(t *testing.T) {
	for _, text := range []string{"", "x", "[1", `{"a"}`, `"\ud800"`, "1 2", "01"} {
		if got, err := rawkey.Append([]byte("before"), []byte(text)); !errors.Is(err, collate.ErrInvalid) || string(got) != "before" {
			t.Errorf("%s: %q, %v", text, got, err)
		}
	}
}

// Raw keys sort as the texts do in raw order, and none begins another's.
func FuzzAppend(f *testing.F) {
	for i, a := range values {
		f.Add(a, values[(i+7)%len(values)])
	}
	f.Add(`"a\u0000"`, `"a\u0000\u0001"`)
	f.Add(`{"a":[1,{"b":null}]}`, `{"a":[1,{"b":false}],"c":1}`)
	f.Fuzz(func(t *testing.T, a, b string) {
		x, err1 := rawkey.Append(nil, []byte(a))
		y, err2 := rawkey.Append(nil, []byte(b))
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
