package attachments

import (
	"settle/storage/couch"
	"settle/storage/kv"
)

// Pending is a blob that was written but belongs to no document yet. It is not
// for concurrent use.
type Pending struct {
	blobs  *Blobs
	id     couch.BlobID
	record record
	done   bool // committed or discarded
}

var _ couch.PendingBlob = (*Pending)(nil)

// BlobID returns the blob's id.
func (p *Pending) BlobID() couch.BlobID { return p.id }

// Length returns the length of the content in bytes.
func (p *Pending) Length() int64 { return p.record.length }

// Digest returns the MD5 of the content.
func (p *Pending) Digest() couch.Digest { return p.record.digest }

// Commit writes the blob's record, which holds a small content, into the
// transaction. It may be called again when the transaction runs again. Once the
// Update has returned, call Committed.
func (p *Pending) Commit(tx kv.Tx) { tx.Set(p.blobs.recordKey(p.id), p.record.encode()) }

// Committed says that the commit was made, or that its outcome is unknown: from
// now on the record decides whether the blob exists, and Discard does nothing.
func (p *Pending) Committed() { p.finish() }

// Discard removes the content. It does nothing on its second call, or after Committed.
func (p *Pending) Discard() {
	if !p.done && p.record.kind == kindFile {
		// A file that cannot be removed is left to Sweep.
		p.blobs.store.fs.Remove(p.blobs.store.path(p.blobs.id, p.id))
	}
	p.finish()
}

func (p *Pending) finish() {
	switch {
	case p.done:
	case p.record.kind == kindFile:
		p.blobs.store.end(p.blobs.id, p.id)
	default:
		p.blobs.store.releaseSmall(p.record.length)
	}
	p.done = true
	p.record.rest = nil
}
