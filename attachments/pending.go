package attachments

import (
	"io"

	"settle/storage/couch"
	"settle/storage/kv"
)

// Pending is a blob that was written but belongs to no document yet. It is not
// for concurrent use.
type Pending struct {
	blobs  *Blobs
	id     couch.BlobID
	record record
	done   bool          // committed or discarded
	like   *Blob         // stored content that it is equal to; nil: it is one of its own
	upload *couch.Upload // that it is, and that stays when it is discarded; nil: none
}

var _ couch.PendingBlob = (*Pending)(nil)

// BlobID returns the blob's id.
func (p *Pending) BlobID() couch.BlobID { return p.id }

// IsUpload reports whether it is an upload, which one document uses up: see Spend.
func (p *Pending) IsUpload() bool { return p.upload != nil }

// Length returns the length of the content in bytes.
func (p *Pending) Length() int64 { return p.record.length }

// Digest returns the MD5 of the content.
func (p *Pending) Digest() couch.Digest { return p.record.digest }

// Open reads the content from where it was written.
func (p *Pending) Open() (io.ReadCloser, error) {
	blob, err := p.Blob()
	if err != nil {
		return nil, err
	}
	return blob.Reader(0, -1)
}

// Blob returns the content, before and after it belongs to a document, as long as it is
// not discarded. The error is of kind couch.Corrupt.
func (p *Pending) Blob() (*Blob, error) {
	if p.like != nil {
		return p.like, nil
	}
	return p.blobs.open(p.id, p.record.encode())
}

// Commit writes the blob's record, which holds a small content, into the
// transaction, and what finds its content. It is for a blob that Resolve has said to be
// the content's own. It may be called again when the transaction runs again. Once the
// Update has returned, call Committed.
func (p *Pending) Commit(tx kv.Tx) {
	tx.Set(p.blobs.recordKey(p.id), p.record.encode())
	if p.blobs.contents != nil && p.record.tag != (Tag{}) {
		tx.Set(p.blobs.contentKey(p.record.digest, p.record.tag), p.id[:])
	}
	if p.blobs.starts != nil && p.record.start != (start{}) {
		tx.Set(p.blobs.startKey(p.record.start, p.id), nil)
	}
}

// Retract takes back what Commit has written into the same transaction.
func (p *Pending) Retract(tx kv.Tx) {
	tx.Delete(p.blobs.recordKey(p.id))
	p.blobs.deleteContent(tx, &p.record, p.id)
}

// Spend uses up an upload, whether Commit makes it a blob of that id or the database has
// its content already: then give the id to RemoveFiles once the Update has returned.
func (p *Pending) Spend(tx kv.Tx) couch.Upload {
	p.blobs.DeleteUpload(tx, p.id)
	return *p.upload
}

// Committed says that the commit was made, or that its outcome is unknown: from
// now on the record decides whether the blob exists, and Discard does nothing.
func (p *Pending) Committed() { p.finish() }

// Discard removes the content; an upload can be used again. It does nothing on its
// second call, or after Committed.
func (p *Pending) Discard() {
	if !p.done && p.record.kind == kindFile && p.like == nil && p.upload == nil {
		// A file that cannot be removed is left to Sweep.
		p.blobs.store.fs.Remove(p.blobs.store.path(p.blobs.id, p.id))
	}
	p.finish()
}

func (p *Pending) finish() {
	switch {
	case p.done, p.upload != nil:
	case p.record.kind == kindFile:
		p.blobs.store.end(p.blobs.id, p.id)
	default:
		p.blobs.store.releaseSmall(p.record.length)
	}
	p.done = true
	p.record.rest = nil
}
