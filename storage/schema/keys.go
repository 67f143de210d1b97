package schema

import (
	"bytes"
	"encoding/binary"

	"settle/storage/couch"
	"settle/storage/kv"
)

// The partitions that are no databases.
var (
	DirectoryPartition = Partition(1) // names and unfinished work
	KeysPartition      = Partition(2) // each database's wrapped key
	SettingsPartition  = Partition(3) // the server's settings
	UploadsPartition   = Partition(4) // when uploads expire
	TagKeysPartition   = Partition(5) // keys that tell what was delivered, by day
)

// FirstDatabase is the number of the first partition that is a database.
const FirstDatabase = 16

// Partition returns the partition of a number.
func Partition(n uint64) kv.Partition {
	var p kv.Partition
	binary.BigEndian.PutUint64(p[:], n)
	return p
}

// PartitionNumber is the reverse of Partition.
func PartitionNumber(p kv.Partition) uint64 { return binary.BigEndian.Uint64(p[:]) }

// Kinds of the rows in the directory partition.
const (
	KindCounter = 'c'
	KindName    = 'n'
	KindUnready = 'u'
)

// Kinds of the rows in a database's partition.
const (
	KindBlob     = 'a'
	KindBody     = 'b'
	KindDoc      = 'd'
	KindReceipt  = 'e'
	KindOrigin   = 'f'
	KindStart    = 'g'
	KindContent  = 'h'
	KindIndex    = 'i'
	KindDedupKey = 'k'
	KindLocal    = 'l'
	KindMeta     = 'm'
	KindSeqCount = 'n'
	KindKept     = 'o'
	KindPurge    = 'p'
	KindPurged   = 'q'
	KindRef      = 'r'
	KindSeq      = 's'
	KindTime     = 't'
	KindUpload   = 'u'
	KindLeafBlob = 'v'
	KindSecurity = 'y'
)

// CounterKey returns the key of the last partition number given out.
func CounterKey() []byte { return []byte{KindCounter} }

// NameKey returns the directory's key of a database.
func NameKey(name string) []byte { return append([]byte{KindName}, name...) }

// UnreadyKey returns the directory's key of a partition that is being made into
// a database or an index, or destroyed. The row is an Unready.
func UnreadyKey(p kv.Partition) []byte { return append([]byte{KindUnready}, p[:]...) }

// ParseUnreadyKey is the reverse of UnreadyKey; ok is false where key is none.
func ParseUnreadyKey(key []byte) (p kv.Partition, ok bool) {
	if len(key) != 9 || key[0] != KindUnready {
		return p, false
	}
	return kv.Partition(key[1:]), true
}

// MetaKey returns the key of a database's Meta.
func MetaKey() []byte { return []byte{KindMeta} }

// SecurityKey returns the key of a database's security object.
func SecurityKey() []byte { return []byte{KindSecurity} }

// DedupKeyKey returns the key of the row that holds the key by which equal contents
// are found.
func DedupKeyKey() []byte { return []byte{KindDedupKey} }

// DocKey returns the key of a document in by-id.
func DocKey(id couch.DocID) []byte { return append([]byte{KindDoc}, id...) }

// DocKeys returns the keys of several documents.
func DocKeys(ids []couch.DocID) [][]byte {
	keys := make([][]byte, len(ids))
	for i, id := range ids {
		keys[i] = DocKey(id)
	}
	return keys
}

// LocalKey returns the key of a local document.
func LocalKey(id couch.DocID) []byte { return append([]byte{KindLocal}, id...) }

// SeqKey returns the key of a sequence in by-seq.
func SeqKey(seq couch.Seq) []byte {
	return binary.BigEndian.AppendUint64([]byte{KindSeq}, uint64(seq))
}

// ParseSeqKey is the reverse of SeqKey; ok is false where key is none.
func ParseSeqKey(key []byte) (seq couch.Seq, ok bool) {
	if len(key) != 9 || key[0] != KindSeq {
		return 0, false
	}
	return couch.Seq(binary.BigEndian.Uint64(key[1:])), true
}

// BodyKey returns the key of a revision's body.
func BodyKey(id couch.DocID, rev couch.RevID) []byte {
	return appendRevision([]byte{KindBody}, id, rev)
}

// ParseBodyKey is the reverse of BodyKey; ok is false where key is none.
func ParseBodyKey(key []byte) (id couch.DocID, rev couch.RevID, ok bool) {
	if len(key) == 0 || key[0] != KindBody {
		return "", couch.RevID{}, false
	}
	return cutRevision(key[1:])
}

// RefPrefix returns what the keys of all references to a blob begin with.
func RefPrefix(blob couch.BlobID) []byte { return append([]byte{KindRef}, blob[:]...) }

// RefKey returns the key that says that a revision has a blob attached.
func RefKey(blob couch.BlobID, id couch.DocID, rev couch.RevID) []byte {
	return Ref{Blob: blob, ID: id, Rev: rev}.Key()
}

// Ref is what the key of a reference says.
type Ref struct {
	Blob couch.BlobID
	ID   couch.DocID
	Rev  couch.RevID
}

// Key returns the key of the reference.
func (r Ref) Key() []byte { return appendRevision(RefPrefix(r.Blob), r.ID, r.Rev) }

// ParseRefKey is the reverse of RefKey; ok is false where key is none.
func ParseRefKey(key []byte) (ref Ref, ok bool) {
	begin := 1 + len(ref.Blob)
	if len(key) < begin || key[0] != KindRef {
		return Ref{}, false
	}
	copy(ref.Blob[:], key[1:])
	ref.ID, ref.Rev, ok = cutRevision(key[begin:])
	return ref, ok
}

// appendRevision appends the last part of a key: escaped id, generation, hash.
func appendRevision(dst []byte, id couch.DocID, rev couch.RevID) []byte {
	return appendRev(appendEscaped(dst, id), rev)
}

func cutRevision(src []byte) (couch.DocID, couch.RevID, bool) {
	id, rest, ok := cutEscaped(src)
	if !ok || len(rest) < 8 {
		return "", couch.RevID{}, false
	}
	return id, couch.RevID{Gen: binary.BigEndian.Uint64(rest), Hash: string(rest[8:])}, true
}

func appendRev(dst []byte, rev couch.RevID) []byte {
	dst = binary.BigEndian.AppendUint64(dst, rev.Gen)
	return append(dst, rev.Hash...)
}

// appendEscaped appends an id so that no escaped id is the prefix of another,
// and that they sort as the ids do.
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

// PrefixEnd returns the first key behind all that begin with prefix; nil where
// there is none.
func PrefixEnd(prefix []byte) []byte {
	end := bytes.Clone(prefix)
	for i := len(end) - 1; i >= 0; i-- {
		if end[i]++; end[i] != 0 {
			return end[:i+1]
		}
	}
	return nil
}

// All returns the range of all rows of a kind.
func All(kind byte) kv.Range {
	prefix := []byte{kind}
	return kv.Range{Lo: prefix, Hi: PrefixEnd(prefix)}
}

// DatabaseRows returns the ranges, ascending, that hold all rows of a database.
func DatabaseRows() []kv.Range {
	one := func(key []byte) kv.Range { return kv.Range{Lo: key, Hi: kv.KeyAfter(key)} }
	return []kv.Range{
		All(KindBlob), All(KindBody), All(KindDoc), All(KindReceipt), All(KindOrigin), All(KindStart), All(KindContent), All(KindIndex), one(DedupKeyKey()), All(KindLocal), one(MetaKey()),
		All(KindSeqCount), All(KindKept), All(KindPurge), All(KindPurged), All(KindRef), All(KindSeq), All(KindTime), All(KindUpload), All(KindLeafBlob), one(SecurityKey()),
	}
}
