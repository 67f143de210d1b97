package schema_test

import (
	"bytes"
	"cmp"
	"errors"
	"testing"

	"settle/storage/couch"
	"settle/storage/schema"
)

// What a row decoder accepts it encodes to something that it accepts again, with
// the same meaning. What it does not accept is corrupt.
func FuzzDecodeRow(f *testing.F) {
	f.Add(byte(0), []byte{5, 5, 0, 232, 7, 2, 4, 0, 4, 4, 0, 0, 3, 0, 0, 0, 0, 0})
	f.Add(byte(1), []byte{1, 0, 1, 1, 'a', 1})
	f.Add(byte(2), []byte{1, 0, 1, 'a', 1, 1, 1, 'b'})
	f.Add(byte(3), append([]byte{1}, make([]byte, 18)...))
	f.Add(byte(4), []byte{8})
	f.Add(byte(10), []byte("\x01\x07"))
	f.Add(byte(8), []byte("\x0112345678"))
	f.Add(byte(9), []byte("\x0112345678name"))
	f.Add(byte(7), []byte("\x01\x00{}"))
	f.Add(byte(5), []byte("\x01\x01x\x01\x02\x01a"))
	f.Add(byte(6), []byte("\x01\x01\x02\x01\x01a\x00\x01t{}"))
	f.Fuzz(func(t *testing.T, kind byte, row []byte) {
		once, err := schema.DecodeRow(kind, row)
		if err != nil {
			if !errors.Is(err, couch.ErrCorrupt) {
				t.Errorf("kind %d: %v, want an error of corruption", kind%11, err)
			}
			return
		}
		twice, err := schema.DecodeRow(kind, once)
		if err != nil || !bytes.Equal(once, twice) {
			t.Errorf("kind %d: encodes to %x, which encodes to %x, %v", kind%11, once, twice, err)
		}
	})
}

// Escaped ids end where they end, and keep the order of the ids.
func FuzzEscapedIDs(f *testing.F) {
	f.Add("a", "a\x00b", "rest")
	f.Add("", "\x00", "")
	f.Fuzz(func(t *testing.T, a, b, rest string) {
		ka := schema.AppendEscaped(nil, couch.DocID(a))
		kb := schema.AppendEscaped(nil, couch.DocID(b))
		if got, want := bytes.Compare(ka, kb), cmp.Compare(a, b); got != want {
			t.Errorf("%q and %q compare as %d, and their keys as %d", a, b, want, got)
		}
		id, left, ok := schema.CutEscaped(append(ka, rest...))
		if !ok || string(id) != a || string(left) != rest {
			t.Errorf("%q with %q behind it reads as %q, %q, %v", a, rest, id, left, ok)
		}
	})
}

// What a key is parsed to makes the same key again.
func FuzzParseKey(f *testing.F) {
	f.Add(schema.SeqKey(7))
	f.Add(schema.BodyKey("a\x00b", couch.RevID{Gen: 3, Hash: "x"}))
	f.Add(schema.RefKey(couch.BlobID{1, 2}, "a", couch.RevID{Gen: 3, Hash: "x"}))
	f.Add(schema.LeafBlobKey(couch.BlobID{1, 2}, "a"))
	f.Add(schema.UnreadyKey(schema.Partition(17)))
	f.Add(schema.PurgeKey(7))
	f.Fuzz(func(t *testing.T, key []byte) {
		var again []byte
		if seq, ok := schema.ParseSeqKey(key); ok {
			again = schema.SeqKey(seq)
		} else if id, rev, ok := schema.ParseBodyKey(key); ok {
			again = schema.BodyKey(id, rev)
		} else if ref, ok := schema.ParseRefKey(key); ok {
			again = schema.RefKey(ref.Blob, ref.ID, ref.Rev)
		} else if blob, id, ok := schema.ParseLeafBlobKey(key); ok {
			again = schema.LeafBlobKey(blob, id)
		} else if p, ok := schema.ParseUnreadyKey(key); ok {
			again = schema.UnreadyKey(p)
		} else if n, ok := schema.ParsePurgeKey(key); ok {
			again = schema.PurgeKey(n)
		} else if id, n, ok := schema.ParseSpoolKey(key); ok {
			again = schema.SpoolKey(id, n)
		} else {
			return
		}
		if !bytes.Equal(again, key) {
			t.Errorf("%x makes %x", key, again)
		}
	})
}
