package storage_test

import (
	"bytes"
	"cmp"
	"errors"
	"testing"

	"settle/storage"
	"settle/storage/couch"
)

// What a row decoder accepts it encodes to something that it accepts again, with
// the same meaning. What it does not accept is corrupt.
func FuzzDecodeRow(f *testing.F) {
	f.Add(byte(0), []byte{1, 5, 0, 232, 7, 2, 0, 4, 4, 0, 0})
	f.Add(byte(1), []byte{1, 0, 1, 1, 'a', 1})
	f.Add(byte(2), []byte{1, 0, 1, 'a', 1, 1, 1, 'b'})
	f.Add(byte(3), append([]byte{1}, make([]byte, 18)...))
	f.Add(byte(4), []byte("\x01\x00{}"))
	f.Fuzz(func(t *testing.T, kind byte, row []byte) {
		once, err := storage.DecodeRow(kind, row)
		if err != nil {
			if !errors.Is(err, couch.ErrCorrupt) {
				t.Errorf("kind %d: %v, want an error of corruption", kind%5, err)
			}
			return
		}
		twice, err := storage.DecodeRow(kind, once)
		if err != nil || !bytes.Equal(once, twice) {
			t.Errorf("kind %d: encodes to %x, which encodes to %x, %v", kind%5, once, twice, err)
		}
	})
}

// Escaped ids end where they end, and keep the order of the ids.
func FuzzEscapedIDs(f *testing.F) {
	f.Add("a", "a\x00b", "rest")
	f.Add("", "\x00", "")
	f.Fuzz(func(t *testing.T, a, b, rest string) {
		ka := storage.AppendEscaped(nil, couch.DocID(a))
		kb := storage.AppendEscaped(nil, couch.DocID(b))
		if got, want := bytes.Compare(ka, kb), cmp.Compare(a, b); got != want {
			t.Errorf("%q and %q compare as %d, and their keys as %d", a, b, want, got)
		}
		id, left, ok := storage.CutEscaped(append(ka, rest...))
		if !ok || string(id) != a || string(left) != rest {
			t.Errorf("%q with %q behind it reads as %q, %q, %v", a, rest, id, left, ok)
		}
	})
}
