package attachments

import (
	"bytes"
	"context"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"settle/storage/couch"
	"settle/storage/crypt"
	"settle/storage/kv"
)

// Tag tells contents of one database apart: HMAC-SHA-256, under the database's
// DedupKey, of what tagSum has made of the content. The zero Tag is none.
type Tag [sha256.Size]byte

// DedupKey is the random key of a database's tags. It prints as [redacted].
type DedupKey struct {
	key [32]byte
	mac cipher.AEAD // of chunks
}

// NewDedupKey makes a key.
func NewDedupKey() *DedupKey {
	k := new(DedupKey)
	rand.Read(k.key[:])
	k.mac = chunkMAC(k.key[:])
	return k
}

// Seal returns the row of the key, sealed under the database's own.
func (k *DedupKey) Seal(under *crypt.DatabaseKey) []byte {
	return under.Seal(crypt.PurposeDedup, k.key[:])
}

// OpenDedupKey opens what Seal made. The error matches couch.ErrCorrupt.
func OpenDedupKey(under *crypt.DatabaseKey, row []byte) (*DedupKey, error) {
	k := new(DedupKey)
	plain, err := under.Open(crypt.PurposeDedup, row, len(k.key))
	if err == nil && len(plain) != len(k.key) {
		err = errBadRecord
	}
	if err != nil {
		return nil, &couch.Error{Kind: couch.Corrupt, Reason: couch.ErrCorrupt.Reason, Err: fmt.Errorf("key of equal contents: %w", err)}
	}
	copy(k.key[:], plain)
	k.mac = chunkMAC(k.key[:])
	return k, nil
}

// tag returns the tag of the content that s was made of; none without it.
func (k *DedupKey) tag(s *tagSum) (t Tag) {
	if s == nil {
		return t
	}
	mac := hmac.New(sha256.New, k.key[:])
	mac.Write(s.macs.Sum(nil))
	mac.Sum(t[:0])
	return t
}

const redacted = "[redacted]"

// Format implements fmt.Formatter: a key prints as [redacted].
func (DedupKey) Format(w fmt.State, _ rune) { io.WriteString(w, redacted) }

// LogValue implements slog.LogValuer.
func (DedupKey) LogValue() slog.Value { return slog.StringValue(redacted) }

// Deduplicating returns the same blobs with the prefixes of the rows that find equal
// contents, and those that start alike, and the key of their tags, which only writing
// needs.
func (b *Blobs) Deduplicating(contents, starts []byte, key *DedupKey) *Blobs {
	out := *b
	out.contents, out.starts, out.dedup = bytes.Clone(contents), bytes.Clone(starts), key
	return &out
}

// contentKey is the key of the row that names the blob of a content.
func (b *Blobs) contentKey(digest couch.Digest, tag Tag) []byte {
	return append(append(bytes.Clone(b.contents), digest[:]...), tag[:]...)
}

// maxLike bounds the blobs that a content is compared with.
const maxLike = 4

// Hint says which blobs a content may be equal to.
type Hint struct {
	digest couch.Digest // that a client has announced, or zero
	start  start
}

// Like returns the blobs of a hint, for WriteLike to compare with, a few at most: those
// of the digest, or else those that start so. The error is the reader's.
func (b *Blobs) Like(ctx context.Context, rd kv.Reader, hint Hint) (like []*Blob, err error) {
	var ids []couch.BlobID
	switch {
	case b.contents == nil:
	case hint.digest != couch.Digest{}:
		ids, err = b.withDigest(ctx, rd, hint.digest)
	case hint.start != start{}:
		ids, err = b.startsLike(ctx, rd, hint.start)
	}
	for _, id := range ids {
		blob, err := b.Load(ctx, rd, id)
		switch {
		case err == nil:
			like = append(like, blob)
		case !errors.Is(err, couch.ErrNotFound) && !errors.Is(err, couch.ErrCorrupt): // then the content is stored anew
			return nil, err
		}
	}
	return like, err
}

// withDigest returns blobs that have a digest.
func (b *Blobs) withDigest(ctx context.Context, rd kv.Reader, digest couch.Digest) (ids []couch.BlobID, err error) {
	prefix := append(bytes.Clone(b.contents), digest[:]...)
	for row, err := range rd.Scan(ctx, kv.Range{Lo: prefix, Hi: prefixEnd(prefix), Limit: maxLike}) {
		if err != nil {
			return nil, err
		}
		if len(row.Value) == len(couch.BlobID{}) {
			ids = append(ids, couch.BlobID(row.Value))
		}
	}
	return ids, nil
}

// IsContent reports whether a row that finds a content names a blob that has it. The
// error is the reader's.
func (b *Blobs) IsContent(ctx context.Context, rd kv.Reader, row kv.KV) (bool, error) {
	if len(row.Value) != len(couch.BlobID{}) {
		return false, nil
	}
	rows, err := rd.GetMulti(ctx, b.recordKey(couch.BlobID(row.Value)))
	if err != nil {
		return false, err
	}
	rec, err := decodeRecord(rows[0])
	return err == nil && bytes.Equal(row.Key, b.contentKey(rec.digest, rec.tag)), nil
}

// HasTag reports whether a blob's record has a tag.
func HasTag(row []byte) bool {
	rec, err := decodeRecord(row)
	return err == nil && rec.tag != Tag{}
}

// GoneError is that of Resolve for content that was found stored, and not written
// again, where the stored one was removed before the transaction.
type GoneError struct{ Pending *Pending }

// Error says so.
func (*GoneError) Error() string { return "attachments: the stored content was removed meanwhile" }

// ErrUploadUsed is the error of Resolve for an upload that was there when it was taken.
var ErrUploadUsed = &couch.Error{Kind: couch.BadRequest, Reason: "The upload was used or removed meanwhile."}

// Resolve returns the blob that the content is to be: one of equal content that the
// database has, else its own. Errors: a GoneError, after which Own makes another
// attempt possible, ErrUploadUsed, and the reader's.
func (p *Pending) Resolve(ctx context.Context, rd kv.Reader) (couch.BlobID, error) {
	b := p.blobs
	if p.upload != nil {
		rows, err := rd.GetMulti(ctx, b.uploadKey(p.id))
		if err != nil {
			return couch.BlobID{}, err
		}
		if rows[0] == nil {
			return couch.BlobID{}, ErrUploadUsed
		}
	}
	stored, ok, err := p.stored(ctx, rd)
	switch {
	case err != nil || ok:
		return stored, err
	case p.like != nil:
		return couch.BlobID{}, &GoneError{p}
	}
	return p.id, nil
}

// stored looks for a blob of the same content.
func (p *Pending) stored(ctx context.Context, rd kv.Reader) (id couch.BlobID, ok bool, err error) {
	if p.record.tag == (Tag{}) {
		return id, false, nil
	}
	rows, err := rd.GetMulti(ctx, p.blobs.contentKey(p.record.digest, p.record.tag))
	if err != nil || len(rows[0]) != len(id) {
		return id, false, err
	}
	id = couch.BlobID(rows[0])
	exist, err := rowsExist(ctx, rd, p.blobs.recordKey, id)
	return id, err == nil && exist[0], err
}

// Tag returns the content's tag.
func (p *Pending) Tag() Tag { return p.record.tag }

// Brings reports whether the content is a blob of its own, rather than one that the
// database has already.
func (p *Pending) Brings(blob couch.BlobID) bool { return p.like == nil && p.id == blob }

// Own makes the content, which is that of a stored blob, one of its own, after a
// GoneError. The file gets a second name; nothing is copied.
func (p *Pending) Own() error {
	like, s := p.like, p.blobs.store
	var id couch.BlobID
	rand.Read(id[:])
	s.begin(p.blobs.id, id)
	err := s.makeDir(p.blobs.id, id)
	if err == nil {
		err = s.fs.Link(s.path(p.blobs.id, like.id), s.path(p.blobs.id, id))
	}
	if err == nil {
		err = s.syncDir(s.shardDir(p.blobs.id, id))
	}
	if err != nil {
		s.fs.Remove(s.path(p.blobs.id, id))
		s.end(p.blobs.id, id)
		return fileError(err)
	}
	s.end(p.blobs.id, like.id)
	p.id, p.like = id, nil
	p.record.rest = p.blobs.wrap(&p.record, id, like.segments)
	return nil
}
