package attachments

import (
	"encoding/binary"
	"errors"
	"math"

	"settle/storage/couch"
	"settle/storage/crypt"
)

const (
	recordVersion = 3
	recordHeader  = 1 + 1 + 8 + len(couch.Digest{}) + len(Tag{}) + len(start{})

	kindSmall    = 1
	kindFile     = 2
	kindDeferred = 3

	// MaxLength bounds a content, in bytes. It keeps every sum and product of lengths and
	// offsets within an int64.
	MaxLength = 1 << 56
)

// record is the decoded row of a blob.
type record struct {
	kind   byte
	length int64
	digest couch.Digest
	tag    Tag    // none where the database has no DedupKey
	start  start  // of a file; none where the database has no DedupKey
	rest   []byte // small: the sealed content; file: the segments; deferred: sealed, where it is
}

// segment is a part of a file, from one chunk to the next segment's first or to the
// end, that was sealed under one key.
type segment struct {
	first uint64
	key   *crypt.BlobKey
}

var errBadRecord = errors.New("the record is malformed")

func (r *record) encode() []byte {
	b := make([]byte, 0, recordHeader+len(r.rest))
	b = append(b, recordVersion, r.kind)
	b = binary.BigEndian.AppendUint64(b, uint64(r.length))
	b = append(b, r.digest[:]...)
	b = append(b, r.tag[:]...)
	b = append(b, r.start[:]...)
	return append(b, r.rest...)
}

// decodeRecord reads a record. Its rest is part of b.
func decodeRecord(b []byte) (record, error) {
	if len(b) < recordHeader || b[0] != recordVersion {
		return record{}, errBadRecord
	}
	length := binary.BigEndian.Uint64(b[2:])
	r := record{kind: b[1], length: int64(length), rest: b[recordHeader:]}
	sums := b[10:]
	sums = sums[copy(r.digest[:], sums):]
	sums = sums[copy(r.tag[:], sums):]
	copy(r.start[:], sums)
	switch {
	case r.kind == kindSmall && length <= math.MaxInt32:
	case (r.kind == kindFile || r.kind == kindDeferred) && length <= MaxLength:
	default:
		return record{}, errBadRecord
	}
	return r, nil
}

// bound are the fields that a small content or a file's key is sealed with,
// besides store and database, which the database's key stands for.
func (r *record) bound(id couch.BlobID) [][]byte {
	length := binary.BigEndian.AppendUint64(nil, uint64(r.length))
	return [][]byte{id[:], length, r.digest[:], r.tag[:], r.start[:]}
}

// boundTo is bound for the key of the segment that begins with a chunk.
func (r *record) boundTo(id couch.BlobID, first uint64) [][]byte {
	length := binary.BigEndian.AppendUint64(nil, uint64(r.length))
	return [][]byte{id[:], length, binary.BigEndian.AppendUint64(nil, first), r.digest[:], r.tag[:], r.start[:]}
}

// wrappedSize is the size of a wrapped key: version 1, epoch 4, nonce 24, key 32, tag 16.
const wrappedSize = 77

// wrap returns the rest of a file's record.
func (b *Blobs) wrap(r *record, id couch.BlobID, segments []segment) []byte {
	out := make([]byte, 0, len(segments)*(8+wrappedSize))
	return b.wrapSegments(out, segments, func(first uint64) [][]byte { return r.boundTo(id, first) })
}

// wrapSegments appends each segment: its first chunk, and its key, sealed with what is
// bound to it.
func (b *Blobs) wrapSegments(dst []byte, segments []segment, bound func(first uint64) [][]byte) []byte {
	for _, s := range segments {
		dst = binary.BigEndian.AppendUint64(dst, s.first)
		dst = append(dst, b.key.WrapBlobKey(s.key, bound(s.first)...)...)
	}
	return dst
}

// unwrap is the reverse of wrap. Nothing of rest is kept.
func (b *Blobs) unwrap(r *record, id couch.BlobID) ([]segment, error) {
	if len(r.rest) == 0 {
		return nil, errBadRecord
	}
	return b.unwrapSegments(r.rest, func(first uint64) [][]byte { return r.boundTo(id, first) })
}

// unwrapSegments is the reverse of wrapSegments, to the end of text. The segments ascend,
// the first one from chunk 0.
func (b *Blobs) unwrapSegments(text []byte, bound func(first uint64) [][]byte) (segments []segment, err error) {
	const size = 8 + wrappedSize
	for ; len(text) > 0; text = text[size:] {
		if len(text) < size {
			return nil, errBadRecord
		}
		s := segment{first: binary.BigEndian.Uint64(text)}
		if n := len(segments); n == 0 && s.first != 0 || n > 0 && s.first <= segments[n-1].first {
			return nil, errBadRecord
		}
		if s.key, err = b.key.UnwrapBlobKey(text[8:size], bound(s.first)...); err != nil {
			return nil, err
		}
		segments = append(segments, s)
	}
	return segments, nil
}

// chunks is the number of chunks of a content: one at least.
func chunks(length int64) int64 {
	return max(1, (length+crypt.ChunkSize-1)/crypt.ChunkSize)
}

// sealedSize is the size of the file of a content.
func sealedSize(length int64) int64 { return length + chunks(length)*crypt.ChunkOverhead }
