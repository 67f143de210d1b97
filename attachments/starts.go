package attachments

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"time"

	"settle/storage/couch"
	"settle/storage/kv"
)

const startMAC = 16

// start says how a content of a file starts, and when it came: the first half of an
// HMAC-SHA-256, under the database's DedupKey, of its beginning, then the time in
// nanoseconds since 1970, inverted, so that of those that start alike the newest comes
// first. The zero start is none.
type start [startMAC + 8]byte

// newStart returns the start of a content that comes now; none where it is empty, and
// without a key.
func (b *Blobs) newStart(head []byte) (s start) {
	if b.dedup == nil || len(head) == 0 {
		return s
	}
	mac := hmac.New(sha256.New, b.dedup.key[:])
	mac.Write([]byte("start"))
	mac.Write(head[:min(len(head), b.store.headSize())])
	copy(s[:startMAC], mac.Sum(nil))
	binary.BigEndian.PutUint64(s[startMAC:], ^b.store.tick())
	return s
}

// headSize is how much of a content says how it starts, in bytes: what tells that it is
// not small.
func (s *Store) headSize() int { return max(0, s.smallMax+1) }

// tick returns the time, later than that of every tick before.
func (s *Store) tick() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ticked = max(s.ticked+1, uint64(time.Now().UnixNano()))
	return s.ticked
}

// startKey is the key of the row, which is empty, that finds a blob by its start.
func (b *Blobs) startKey(s start, id couch.BlobID) []byte {
	return append(append(bytes.Clone(b.starts), s[:]...), id[:]...)
}

// startsLike returns the newest blobs that start so.
func (b *Blobs) startsLike(ctx context.Context, rd kv.Reader, s start) (ids []couch.BlobID, err error) {
	prefix := append(bytes.Clone(b.starts), s[:startMAC]...)
	for row, err := range rd.Scan(ctx, kv.Range{Lo: prefix, Hi: prefixEnd(prefix), Limit: maxLike}) {
		if err != nil {
			return nil, err
		}
		if id := row.Key[len(b.starts)+len(s):]; len(id) == len(couch.BlobID{}) {
			ids = append(ids, couch.BlobID(id))
		}
	}
	return ids, nil
}

// IsStart reports whether a row that finds a start names a blob that starts so. The
// error is the reader's.
func (b *Blobs) IsStart(ctx context.Context, rd kv.Reader, row kv.KV) (bool, error) {
	at := len(row.Key) - len(couch.BlobID{})
	if at < len(b.starts) || len(row.Value) != 0 {
		return false, nil
	}
	id := couch.BlobID(row.Key[at:])
	rows, err := rd.GetMulti(ctx, b.recordKey(id))
	if err != nil {
		return false, err
	}
	rec, err := decodeRecord(rows[0])
	return err == nil && bytes.Equal(row.Key, b.startKey(rec.start, id)), nil
}

// HasStart reports whether a blob's record says how it starts.
func HasStart(row []byte) bool {
	rec, err := decodeRecord(row)
	return err == nil && rec.start != start{}
}
