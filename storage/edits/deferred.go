package edits

import (
	"context"

	"settle/attachments"
	"settle/storage/blobrefs"
	"settle/storage/couch"
	"settle/storage/kv"
	"settle/storage/schema"
)

// bringDeferred notes where a new content is that stays there, once.
func (w *Writer) bringDeferred(p *attachments.Deferred, length int64) {
	if w.deferred[p.BlobID()] {
		return
	}
	if w.deferred == nil {
		w.deferred = make(map[couch.BlobID]bool)
	}
	w.deferred[p.BlobID()] = true
	w.contents.Blobs.Defer(w.tx, p)
	if w.origins == nil {
		w.origins = make(map[couch.OriginID][]byte)
	}
	id, row := p.Origin()
	w.origins[id] = row
	w.held.Bring(p.BlobID(), 0)
	w.m.Blobs++
	w.m.DeferredBytes += length
}

// bringOrigins stores how the origins of new deferred contents are reached, as far as that
// is not stored: a compaction may have found an origin unused.
func (w *Writer) bringOrigins(ctx context.Context) error {
	for id, row := range w.origins {
		stored, err := kv.GetOne(ctx, w.tx, schema.OriginKey(id))
		if err != nil {
			return err
		}
		if stored == nil {
			w.tx.Set(schema.OriginKey(id), row)
		}
	}
	return nil
}

// removeDeferred removes a content that nobody uses any more, and what is kept of it,
// if it is a deferred one, and reports whether it is.
func (w *Writer) removeDeferred(ctx context.Context, blob blobrefs.Blob) (bool, error) {
	deferred := w.deferred[blob.ID] // the transaction does not see that
	if !deferred {
		var err error
		if deferred, err = w.contents.Blobs.IsDeferred(ctx, w.tx, blob.ID); err != nil || !deferred {
			return false, err
		}
	}
	if err := w.contents.Blobs.Delete(ctx, w.tx, blob.ID); err != nil {
		return false, err
	}
	w.m.Blobs--
	w.m.DeferredBytes -= blob.Length
	row, err := kv.GetOne(ctx, w.tx, schema.KeptKey(blob.ID))
	if err != nil || row == nil {
		return true, err
	}
	kept, err := schema.DecodeKept(row)
	if err != nil {
		return true, err
	}
	if err := DropKept(ctx, w.tx, w.contents.Blobs, w.m, blob.ID, kept); err != nil {
		return true, err
	}
	w.removed = append(w.removed, kept.Blob)
	return true, nil
}

// DropKept removes what is kept of a deferred content, which is fetched again when it is
// wanted. What leaves have of it the caller counts. Once the transaction is durable
// kept.Blob is to be given to RemoveFiles.
func DropKept(ctx context.Context, tx kv.Tx, blobs *attachments.Blobs, m *schema.Meta, deferred couch.BlobID, kept schema.Kept) error {
	tx.Delete(schema.KeptKey(deferred))
	m.Blobs--
	m.BlobBytes -= kept.Length
	m.KeptBytes -= kept.Length
	return blobs.Delete(ctx, tx, kept.Blob)
}
