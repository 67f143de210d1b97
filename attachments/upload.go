package attachments

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/rand"
	"encoding"
	"errors"
	"hash"

	"settle/storage/couch"
	"settle/storage/kv"
)

// Upload is content that arrives in parts. Its row says what of it is on disk: the
// chunks of the file that the blob is going to have, and the bytes behind them. It is
// not for concurrent use.
type Upload struct {
	couch.Upload
	segments []segment
	md5      []byte // state of the sum of the chunks that are sealed
	macs     []byte // of tagSum of those
	start    start
	tail     []byte // what of the first Offset bytes stands behind those
}

// Uploading returns the same blobs with the prefix of the rows of uploads.
func (b *Blobs) Uploading(prefix []byte) *Blobs {
	out := *b
	out.uploads = bytes.Clone(prefix)
	return &out
}

func (b *Blobs) uploadKey(id couch.BlobID) []byte { return append(bytes.Clone(b.uploads), id[:]...) }

// NewUpload returns an upload of which nothing has come. The caller sets what of it is
// not the store's: all but ID and Offset.
func NewUpload() *Upload {
	u := &Upload{md5: state(md5.New())}
	rand.Read(u.ID[:])
	return u
}

// state returns the state of a sum, which those of the standard library have.
func state(h hash.Hash) []byte {
	text, err := h.(encoding.BinaryMarshaler).MarshalBinary()
	if err != nil {
		panic("attachments: " + err.Error())
	}
	return text
}

// restore is the reverse of state.
func restore(h hash.Hash, state []byte) error {
	return h.(encoding.BinaryUnmarshaler).UnmarshalBinary(state)
}

// LoadUpload reads an upload. Errors: couch.ErrNotFound, couch.ErrCorrupt, and those
// of the reader.
func (b *Blobs) LoadUpload(ctx context.Context, rd kv.Reader, id couch.BlobID) (*Upload, error) {
	rows, err := rd.GetMulti(ctx, b.uploadKey(id))
	if err != nil {
		return nil, err
	}
	if rows[0] == nil {
		return nil, &couch.Error{Kind: couch.NotFound, Reason: couch.ErrNotFound.Reason}
	}
	u, err := b.openUpload(id, rows[0])
	if err != nil {
		return nil, corrupt(id, err)
	}
	return u, nil
}

// SaveUpload writes an upload's row.
func (b *Blobs) SaveUpload(tx kv.Tx, u *Upload) { tx.Set(b.uploadKey(u.ID), b.sealUpload(u)) }

// DeleteUpload removes an upload's row. Once the Update has returned, give the id to
// RemoveFiles.
func (b *Blobs) DeleteUpload(tx kv.Tx, id couch.BlobID) {
	b.store.forgetLastKey(id)
	tx.Delete(b.uploadKey(id))
}

// Uploaded returns a complete upload as a blob that belongs to no document yet. It is
// committed as any other, and the upload is used up with that; discarded it stays what
// it is. Errors: a BadRequest for one that is
// not complete, couch.ErrCorrupt.
func (b *Blobs) Uploaded(u *Upload) (*Pending, error) {
	if !u.Complete() || len(u.segments) == 0 {
		return nil, couch.Errorf(couch.BadRequest, "The upload is not complete.")
	}
	sum, tag := md5.New(), b.dedup.newTagSum()
	if len(u.macs) == 0 { // it was sealed without the key
		tag = nil
	}
	if err := errors.Join(restore(sum, u.md5), tag.restore(u.macs)); err != nil {
		return nil, corrupt(u.ID, err)
	}
	p := &Pending{blobs: b, id: u.ID, upload: &u.Upload}
	p.record = record{kind: kindFile, length: u.Length, digest: couch.Digest(sum.Sum(nil)), tag: b.dedup.tag(tag), start: u.start}
	p.record.rest = b.wrap(&p.record, u.ID, u.segments)
	return p, nil
}
