package schema

import "settle/storage/kv"

// MaxIndexName bounds the names of indexes, in bytes.
const MaxIndexName = 200

const (
	indexRowVersion  = 1
	unreadyVersion   = 1
	indexHeadVersion = 1
)

// IndexKey returns the key, in a database, of an index.
func IndexKey(name string) []byte { return append([]byte{KindIndex}, name...) }

// EncodeIndexRow returns the row that makes an index exist. It says which partition
// is the index:
//
//	version      1 byte
//	partition    8 bytes
func EncodeIndexRow(p kv.Partition) []byte { return append([]byte{indexRowVersion}, p[:]...) }

// DecodeIndexRow reads the row of an index. The error is of kind couch.Corrupt.
func DecodeIndexRow(b []byte) (p kv.Partition, err error) {
	if len(b) != 9 || b[0] != indexRowVersion {
		return p, Corrupt("row of an index")
	}
	return kv.Partition(b[1:]), nil
}

// IndexHeadKey returns the key of the row that is in an index as long as it exists:
// a zero byte, with which no key of the index itself begins.
func IndexHeadKey() []byte { return []byte{0} }

// FirstIndexKey returns where the keys of an index itself begin.
func FirstIndexKey() []byte { return []byte{1} }

// IndexHead returns what is under IndexHeadKey, the version of the layout.
func IndexHead() []byte { return []byte{indexHeadVersion} }

// Unready is the mark on a partition that is being made or destroyed. For a database
// it is zero, and the row empty; for what belongs to a database it says to which:
//
//	version      1 byte
//	Database     8 bytes
//	Index        name of the index, to the end; none for a spool
type Unready struct {
	Database kv.Partition
	Index    string
}

// IsOwned reports whether the partition belongs to a database, and is none.
func (u Unready) IsOwned() bool { return u.Database != kv.Partition{} }

// Encode returns the row.
func (u Unready) Encode() []byte {
	if !u.IsOwned() {
		return nil
	}
	return append(append([]byte{unreadyVersion}, u.Database[:]...), u.Index...)
}

// DecodeUnready reads a row. The error is of kind couch.Corrupt.
func DecodeUnready(b []byte) (u Unready, err error) {
	if len(b) == 0 {
		return u, nil
	}
	d := decoder{b: b}
	d.version(unreadyVersion)
	copy(u.Database[:], d.take(8))
	if d.bad || !u.IsOwned() {
		return Unready{}, Corrupt("mark on a partition")
	}
	u.Index = string(d.b)
	return u, nil
}
