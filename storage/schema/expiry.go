package schema

import (
	"encoding/binary"
	"time"

	"settle/storage/couch"
	"settle/storage/kv"
)

// Expiry is what the key of a row of the uploads partition says: no sooner than At is
// the upload to be looked at. The row is empty. It is written before its upload, and
// removed after it.
//
//	At           8 bytes, seconds since 1970
//	Database     8 bytes
//	ID           16 bytes
type Expiry struct {
	At       time.Time
	Database kv.Partition
	ID       couch.BlobID
}

// ExpiryKey returns the key. Earlier ones come first.
func ExpiryKey(e Expiry) []byte {
	b := binary.BigEndian.AppendUint64(nil, uint64(max(0, e.At.Unix())))
	return append(append(b, e.Database[:]...), e.ID[:]...)
}

// ParseExpiryKey is the reverse of ExpiryKey; ok is false where key is none.
func ParseExpiryKey(key []byte) (e Expiry, ok bool) {
	if len(key) != 8+len(e.Database)+len(e.ID) {
		return Expiry{}, false
	}
	e.At = time.Unix(int64(binary.BigEndian.Uint64(key)), 0)
	copy(e.Database[:], key[8:])
	copy(e.ID[:], key[16:])
	return e, true
}
