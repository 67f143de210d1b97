package schema

import (
	"encoding/binary"
	"time"

	"settle/storage/couch"
	"settle/storage/crypt"
)

// KeptKey returns the key of the row that says where a deferred content, which was
// fetched, is kept.
func KeptKey(deferred couch.BlobID) []byte { return append([]byte{KindKept}, deferred[:]...) }

// ParseKeptKey is the reverse of KeptKey; ok is false where key is none.
func ParseKeptKey(key []byte) (deferred couch.BlobID, ok bool) {
	if len(key) != 1+len(deferred) || key[0] != KindKept {
		return deferred, false
	}
	return couch.BlobID(key[1:]), true
}

// Kept says where a deferred content is kept.
type Kept struct {
	Blob   couch.BlobID // its content, which no document refers to
	Length int64
	Used   time.Time // when it was read last, to the minute or so
}

const keptVersion = 1

// Encode returns the row:
//
//	version    1 byte
//	blob       16 bytes
//	length     uvarint
//	used       8 bytes, microseconds since 1970
func (k Kept) Encode() []byte {
	b := append([]byte{keptVersion}, k.Blob[:]...)
	b = binary.AppendUvarint(b, uint64(k.Length))
	return binary.BigEndian.AppendUint64(b, uint64(k.Used.UnixMicro()))
}

// DecodeKept reads a row. The error is of kind couch.Corrupt.
func DecodeKept(b []byte) (k Kept, err error) {
	d := decoder{b: b}
	d.version(keptVersion)
	copy(k.Blob[:], d.take(uint64(len(k.Blob))))
	k.Length = int64(d.uvarint())
	used := d.take(8)
	if d.bad || len(d.b) != 0 || k.Length < 0 {
		return k, Corrupt("row of a kept content")
	}
	k.Used = time.UnixMicro(int64(binary.BigEndian.Uint64(used)))
	return k, nil
}

// OriginKey returns the key of an origin.
func OriginKey(id couch.OriginID) []byte { return append([]byte{KindOrigin}, id[:]...) }

// ParseOriginKey is the reverse of OriginKey; ok is false where key is none.
func ParseOriginKey(key []byte) (id couch.OriginID, ok bool) {
	if len(key) != 1+len(id) || key[0] != KindOrigin {
		return id, false
	}
	return couch.OriginID(key[1:]), true
}

// MaxOrigin is the longest description of an origin, in bytes.
const MaxOrigin = 1 << 20

// SealOrigin returns the row of an origin: how it is reached, and as whom, in words of
// whoever fetches from it. It is sealed with purpose crypt.PurposeMeta under the fields
// "origin" and id.
func SealOrigin(key *crypt.DatabaseKey, id couch.OriginID, text []byte) []byte {
	return key.Seal(crypt.PurposeMeta, text, []byte("origin"), id[:])
}

// OpenOrigin is the reverse of SealOrigin. The error is of kind couch.Corrupt.
func OpenOrigin(key *crypt.DatabaseKey, id couch.OriginID, row []byte) ([]byte, error) {
	text, err := key.Open(crypt.PurposeMeta, row, MaxOrigin, []byte("origin"), id[:])
	return text, DomainError(err)
}
