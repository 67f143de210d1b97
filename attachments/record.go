package attachments

import (
	"encoding/binary"
	"errors"
	"math"

	"settle/storage/couch"
	"settle/storage/crypt"
)

const (
	recordVersion = 1
	recordHeader  = 1 + 1 + 8 + len(couch.Digest{})

	kindSmall = 1
	kindFile  = 2

	// maxLength keeps every sum and product of lengths and offsets within an int64.
	maxLength = 1 << 56
)

// record is the decoded row of a blob.
type record struct {
	kind   byte
	length int64
	digest couch.Digest
	rest   []byte // small: the sealed content; file: the wrapped key
}

var errBadRecord = errors.New("the record is malformed")

func (r *record) encode() []byte {
	b := make([]byte, 0, recordHeader+len(r.rest))
	b = append(b, recordVersion, r.kind)
	b = binary.BigEndian.AppendUint64(b, uint64(r.length))
	b = append(b, r.digest[:]...)
	return append(b, r.rest...)
}

// decodeRecord reads a record. Its rest is part of b.
func decodeRecord(b []byte) (record, error) {
	if len(b) < recordHeader || b[0] != recordVersion {
		return record{}, errBadRecord
	}
	length := binary.BigEndian.Uint64(b[2:])
	r := record{kind: b[1], length: int64(length), rest: b[recordHeader:]}
	copy(r.digest[:], b[10:])
	switch {
	case r.kind == kindSmall && length <= math.MaxInt32:
	case r.kind == kindFile && length <= maxLength:
	default:
		return record{}, errBadRecord
	}
	return r, nil
}

// bound are the fields that a small content or a file's key is sealed with,
// besides store and database, which the database's key stands for.
func (r *record) bound(id couch.BlobID) [][]byte {
	length := binary.BigEndian.AppendUint64(nil, uint64(r.length))
	if r.kind == kindSmall {
		return [][]byte{id[:], length, r.digest[:]}
	}
	firstChunk := make([]byte, 8)
	return [][]byte{id[:], length, firstChunk, r.digest[:]}
}

// chunks is the number of chunks of a content: one at least.
func chunks(length int64) int64 {
	return max(1, (length+crypt.ChunkSize-1)/crypt.ChunkSize)
}

// sealedSize is the size of the file of a content.
func sealedSize(length int64) int64 { return length + chunks(length)*crypt.ChunkOverhead }
