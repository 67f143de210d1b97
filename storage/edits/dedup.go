package edits

import (
	"context"
	"errors"

	"settle/attachments"
	"settle/storage/couch"
	"settle/storage/kv"
	"settle/storage/schema"
)

// blobOf returns the blob that new content is to be: one of equal content that the
// database has, or that the transaction or the same document brings, else its own. own
// are those of the document.
func (w *Writer) blobOf(ctx context.Context, pending couch.PendingBlob, own map[attachments.Tag]couch.BlobID) (couch.BlobID, error) {
	p, ok := pending.(*attachments.Pending)
	if !ok {
		return pending.BlobID(), nil
	}
	if w.spent[p.BlobID()] {
		return couch.BlobID{}, attachments.ErrUploadUsed
	}
	if brought, ok := w.brought[p.Tag()]; ok {
		return brought.BlobID(), nil
	}
	if id, ok := own[p.Tag()]; ok {
		return id, nil
	}
	id, err := p.Resolve(ctx, w.tx)
	if _, ok := errors.AsType[*attachments.GoneError](err); ok && !w.writes() {
		id, err = p.BlobID(), nil // the transaction sees to it
	}
	if err == nil && p.Tag() != (attachments.Tag{}) {
		own[p.Tag()] = id
	}
	return id, err
}

// writes reports whether what the writer writes goes anywhere.
func (w *Writer) writes() bool {
	_, dry := w.tx.(dryTx)
	return !dry
}

// bring stores the new content of an attachment, unless the blob that it became is
// stored.
func (w *Writer) bring(a couch.Attachment) {
	if p, ok := a.Pending.(*attachments.Deferred); ok {
		w.bringDeferred(p, a.Length)
		return
	}
	p, ok := a.Pending.(*attachments.Pending)
	if !ok || w.isTaken(p) || w.spent[p.BlobID()] { // an upload that the document names twice
		return
	}
	w.spend(p)
	if !p.Brings(a.Blob) {
		if p.IsUpload() {
			w.removed = append(w.removed, p.BlobID())
		}
		return
	}
	p.Commit(w.tx)
	w.taken = append(w.taken, p)
	if w.brought == nil {
		w.brought = make(map[attachments.Tag]*attachments.Pending)
	}
	if tag := p.Tag(); tag != (attachments.Tag{}) {
		w.brought[tag] = p
	}
	w.held.Bring(a.Blob, a.Length)
	w.m.Blobs++
	w.m.BlobBytes += a.Length
}

// spend uses up an upload.
func (w *Writer) spend(p *attachments.Pending) {
	if !p.IsUpload() {
		return
	}
	if w.spent == nil {
		w.spent = make(map[couch.BlobID]bool)
	}
	w.spent[p.BlobID()] = true
	w.m.RemoveUpload(p.Spend(w.tx))
}

func (w *Writer) isTaken(p *attachments.Pending) bool {
	for _, taken := range w.taken {
		if taken == p {
			return true
		}
	}
	return false
}

// remove removes a content that nobody uses any more, also one that the transaction
// has brought itself, whose rows it does not see.
func (w *Writer) remove(ctx context.Context, id couch.BlobID) error {
	for _, p := range w.brought {
		if p.BlobID() == id {
			p.Retract(w.tx)
			return nil
		}
	}
	return w.contents.Blobs.Delete(ctx, w.tx, id)
}

// update runs a transaction. Where stored content, to which new content was found
// equal, has gone meanwhile, the new content gets a file of its own, and it runs again.
func (b *batch) update(ctx context.Context, fn func(kv.Tx, *schema.Meta) error) error {
	for {
		err := b.o.Update(ctx, fn, b.options()...)
		gone, ok := errors.AsType[*attachments.GoneError](err)
		if !ok {
			return err
		}
		if err := gone.Pending.Own(); err != nil {
			return err
		}
	}
}
