package view

import (
	"bytes"
	"encoding/binary"
	"strings"

	"settle/storage/collate"
	"settle/storage/couch"
	"settle/storage/view/rawkey"
)

// appendEscaped appends a text so that no escaped text is the beginning of another,
// and that they sort as the texts do.
func appendEscaped[T string | []byte](dst []byte, text T) []byte {
	start := len(dst)
	if dst = append(dst, text...); bytes.IndexByte(dst[start:], 0) >= 0 {
		dst = append(dst[:start], bytes.ReplaceAll(dst[start:], []byte{0}, []byte{0, 0xff})...)
	}
	return append(dst, 0, 1)
}

// unescape is the reverse of appendEscaped, for a whole escaped text.
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

// keySpace makes the keys of one view's rows.
type keySpace struct {
	raw         bool
	partitioned bool
}

// appendKey appends the part of a row's key that is of the emitted key.
func (s keySpace) appendKey(dst, json []byte) ([]byte, error) {
	if s.raw {
		return rawkey.Append(dst, json)
	}
	return collate.AppendKey(dst, json)
}

// appendStem appends what the keys of a document's rows with one emitted key begin with.
func (s keySpace) appendStem(dst []byte, id couch.DocID, json []byte) ([]byte, error) {
	if s.partitioned {
		partition, _, _ := strings.Cut(string(id), ":")
		dst = appendEscaped(dst, partition)
	}
	return s.appendKey(dst, json)
}

// rowKey returns the key of a row: its stem, its document, and its number among the
// document's rows of that stem.
func rowKey(stem []byte, id couch.DocID, duplicate int) []byte {
	key := make([]byte, 0, len(stem)+len(id)+8)
	key = appendEscaped(append(key, stem...), string(id))
	return binary.BigEndian.AppendUint32(key, uint32(duplicate))
}
