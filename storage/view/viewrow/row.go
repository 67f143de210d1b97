// Package viewrow has the keys and values of an index's rows: those of its views, and what
// it remembers of each document.
package viewrow

import (
	"bytes"
	"encoding/binary"

	"settle/storage/couch"
)

func corrupt(what string) error {
	return couch.Errorf(couch.Corrupt, "Stored data is damaged: %s", what)
}

// Row is a row of a view as it lies in the index.
type Row struct {
	Stem       []byte // what the key of the row begins with
	ID         couch.DocID
	Key, Value []byte // JSON
}

// AppendEscaped appends a text so that no escaped text is the beginning of another,
// and that they sort as the texts do.
func AppendEscaped[T string | []byte](dst []byte, text T) []byte {
	start := len(dst)
	if dst = append(dst, text...); bytes.IndexByte(dst[start:], 0) >= 0 {
		dst = append(dst[:start], bytes.ReplaceAll(dst[start:], []byte{0}, []byte{0, 0xff})...)
	}
	return append(dst, 0, 1)
}

// unescape is the reverse of AppendEscaped, for a whole escaped text.
func unescape(b []byte) (string, bool) {
	n := len(b) - 2
	if n < 0 || b[n] != 0 || b[n+1] != 1 {
		return "", false
	}
	b = b[:n]
	if bytes.IndexByte(b, 0) < 0 {
		return string(b), true
	}
	out := bytes.ReplaceAll(b, []byte{0, 0xff}, []byte{0})
	return string(out), len(b)-len(out) == bytes.Count(out, []byte{0})
}

// duplicateSize is how long the last part of a row's key is.
const duplicateSize = 4

// Key returns the key of a row: its stem, its document, and its number among the
// document's rows of that stem.
func Key(stem []byte, id couch.DocID, duplicate int) []byte {
	key := make([]byte, 0, len(stem)+len(id)+8)
	key = AppendEscaped(append(key, stem...), string(id))
	return binary.BigEndian.AppendUint32(key, uint32(duplicate))
}

// Keys returns the keys of a document's rows in a view, ascending, of their stems.
func Keys(stems [][]byte, id couch.DocID) [][]byte {
	if len(stems) == 0 {
		return nil
	}
	keys := make([][]byte, len(stems))
	duplicate := 0
	for i, stem := range stems {
		if duplicate++; i == 0 || string(stem) != string(stems[i-1]) {
			duplicate = 0
		}
		keys[i] = Key(stem, id, duplicate)
	}
	return keys
}

// Encode returns the value of a row that has an emitted key and value, JSON, and a stem
// of so many bytes:
//
//	stem    uvarint length of that part of the row's key
//	key     uvarint length, so many bytes
//	value   the rest
func Encode(stem int, key, value string) []byte {
	b := binary.AppendUvarint(make([]byte, 0, 6+len(key)+len(value)), uint64(stem))
	b = binary.AppendUvarint(b, uint64(len(key)))
	return append(append(b, key...), value...)
}

// Decode reads a row, of which it keeps key and value. The error is of kind
// couch.Corrupt.
func Decode(key, value []byte) (Row, error) {
	stem, n := binary.Uvarint(value)
	if n <= 0 || len(key) < duplicateSize || stem > uint64(len(key)-duplicateSize) {
		return Row{}, corrupt("row of a view")
	}
	size, m := binary.Uvarint(value[n:])
	if m <= 0 || size > uint64(len(value)-n-m) {
		return Row{}, corrupt("row of a view")
	}
	id, ok := unescape(key[stem : len(key)-duplicateSize])
	if !ok {
		return Row{}, corrupt("key of a row of a view")
	}
	value = value[n+m:]
	return Row{Stem: key[:stem], ID: couch.DocID(id), Key: value[:size:size], Value: value[size:]}, nil
}
