package storage

import (
	"bytes"
	"encoding/binary"

	"settle/storage/couch"
	"settle/storage/kv"
)

// The partitions that are not databases. Databases are numbered from
// firstDatabase on; a number is never used twice.
var (
	directoryPartition = partition(1) // names and unfinished work
	keysPartition      = partition(2) // each database's wrapped key
	settingsPartition  = partition(3) // the server's settings
)

const firstDatabase = 16

func partition(n uint64) kv.Partition {
	var p kv.Partition
	binary.BigEndian.PutUint64(p[:], n)
	return p
}

// Keys of the directory partition.
const (
	dirName    = 'n' // name → dbRecord
	dirUnready = 'u' // partition → empty: being created or dropped
	dirCounter = 'c' // → the last partition number given out
)

// Keys of a database's partition, by their first byte.
const (
	keyBlob     = 'a' // package attachments: blob records and small contents
	keyBody     = 'b' // id, rev → sealed body and attachment list
	keyDoc      = 'd' // id → docRow
	keyLocal    = 'l' // id → sealed local document
	keyMeta     = 'm' // → meta
	keySeqCount = 'n' // level, block → rows of by-seq in that block
	keyRef      = 'r' // blob, id, rev → empty: the revision uses the blob
	keySeq      = 's' // seq → seqRow
	keySecurity = 'y' // → security object, JSON
)

var (
	metaKey     = []byte{keyMeta}
	securityKey = []byte{keySecurity}
)

func docKey(id couch.DocID) []byte {
	return append([]byte{keyDoc}, id...)
}

func localKey(id couch.DocID) []byte {
	return append([]byte{keyLocal}, id...)
}

func seqKey(seq couch.Seq) []byte {
	return binary.BigEndian.AppendUint64([]byte{keySeq}, uint64(seq))
}

func seqOfKey(key []byte) couch.Seq {
	return couch.Seq(binary.BigEndian.Uint64(key[1:]))
}

func bodyKey(id couch.DocID, rev couch.RevID) []byte {
	k := appendEscaped([]byte{keyBody}, id)
	return appendRev(k, rev)
}

// bodyPrefix is what the keys of all bodies of a document begin with.
func bodyPrefix(id couch.DocID) []byte {
	return appendEscaped([]byte{keyBody}, id)
}

func refPrefix(blob couch.BlobID) []byte {
	return append([]byte{keyRef}, blob[:]...)
}

func refKey(blob couch.BlobID, id couch.DocID, rev couch.RevID) []byte {
	return appendRev(appendEscaped(refPrefix(blob), id), rev)
}

// appendEscaped appends an id so that no escaped id is the prefix of another:
// a zero byte becomes 00 ff, and 00 01 ends it.
func appendEscaped(dst []byte, id couch.DocID) []byte {
	for i := range len(id) {
		dst = append(dst, id[i])
		if id[i] == 0 {
			dst = append(dst, 0xff)
		}
	}
	return append(dst, 0, 1)
}

// cutEscaped is the reverse of appendEscaped; ok is false where src holds none.
func cutEscaped(src []byte) (id couch.DocID, rest []byte, ok bool) {
	var out []byte
	for {
		i := bytes.IndexByte(src, 0)
		if i < 0 || i+1 >= len(src) {
			return "", nil, false
		}
		out = append(out, src[:i]...)
		switch src[i+1] {
		case 1:
			return couch.DocID(out), src[i+2:], true
		case 0xff:
			out = append(out, 0)
		default:
			return "", nil, false
		}
		src = src[i+2:]
	}
}

// appendRev appends the last part of a key: generation, then hash to the end.
func appendRev(dst []byte, rev couch.RevID) []byte {
	dst = binary.BigEndian.AppendUint64(dst, rev.Gen)
	return append(dst, rev.Hash...)
}

func revOfKey(rest []byte) (couch.RevID, bool) {
	if len(rest) < 8 {
		return couch.RevID{}, false
	}
	return couch.RevID{Gen: binary.BigEndian.Uint64(rest), Hash: string(rest[8:])}, true
}

// prefixEnd returns the first key behind all that begin with prefix.
func prefixEnd(prefix []byte) []byte {
	end := bytes.Clone(prefix)
	for i := len(end) - 1; i >= 0; i-- {
		if end[i]++; end[i] != 0 {
			return end[:i+1]
		}
	}
	return nil
}

// after returns the first key behind key.
func after(key []byte) []byte {
	return append(bytes.Clone(key), 0)
}
