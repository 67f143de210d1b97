package edits

import (
	"context"

	"settle/storage/couch"
	"settle/storage/revtree"
	"settle/storage/schema"
)

// dropBody removes what is stored of a revision, and its references.
func (w *Writer) dropBody(ctx context.Context, s *docState, rev couch.RevID, node revtree.Node) error {
	atts, err := w.storedAttachments(ctx, s, rev, node)
	if err != nil {
		return err
	}
	for _, a := range atts {
		w.refs.End(w.tx, schema.Ref{Blob: a.Blob, ID: s.id, Rev: rev}, a.Length)
	}
	w.tx.Delete(schema.BodyKey(s.id, rev))
	w.m.BodyBytes -= node.Size
	return nil
}

// removeUnused removes the contents whose last reference the transaction ends.
func (w *Writer) removeUnused(ctx context.Context) error {
	unused, err := w.refs.Unused(ctx, w.tx)
	if err != nil {
		return err
	}
	for _, blob := range unused {
		if deferred, err := w.removeDeferred(ctx, blob); err != nil {
			return err
		} else if deferred {
			continue
		}
		if err := w.remove(ctx, blob.ID); err != nil {
			return err
		}
		w.removed = append(w.removed, blob.ID)
		w.m.Blobs--
		w.m.BlobBytes -= blob.Length
	}
	return nil
}
