package edits

import (
	"context"
	"errors"

	"settle/storage/couch"
	"settle/storage/kv"
	"settle/storage/revtree"
	"settle/storage/schema"
)

// totals is the part of a document in what its database counts.
type totals struct{ active, atts, tombstones int64 }

func totalsOf(t *revtree.Tree) totals {
	return totals{schema.ActiveBytes(t), schema.AttBytes(t), schema.TombstoneBytes(t)}
}

// count puts what the leaves of a document have now in place of what was counted of it.
func (w *Writer) count(ctx context.Context, s *docState) error {
	now := totalsOf(s.tree)
	if now.atts > 0 || s.counted.atts > 0 {
		if err := w.countBlobs(ctx, s); err != nil {
			return err
		}
	}
	w.m.ActiveBytes += now.active - s.counted.active
	w.m.AttBytes += now.atts - s.counted.atts
	w.m.TombstoneBytes += max(0, now.tombstones-s.counted.tombstones)
	s.counted = now
	return nil
}

// countBlobs notes which contents the leaves of a document have now.
func (w *Writer) countBlobs(ctx context.Context, s *docState) error {
	now := blobLeaves(s.tree)
	before, err := w.blobsOf(ctx, s, s.blobLeaves)
	if err != nil {
		return err
	}
	after, err := w.blobsOf(ctx, s, now)
	if err != nil {
		return err
	}
	w.held.Replace(w.tx, s.id, before, after)
	s.blobLeaves = now
	return nil
}

// blobLeaves returns the leaves that have contents of at least a byte.
func blobLeaves(t *revtree.Tree) []revtree.Leaf {
	var out []revtree.Leaf
	for _, leaf := range t.Leaves() {
		if leaf.Node.Available && leaf.Node.AttSize > 0 {
			out = append(out, leaf)
		}
	}
	return out
}

// blobsOf returns the contents of leaves, those of at least a byte, and their lengths.
// Leaves whose bodies are damaged are left out: what is counted of them stays, so that
// documents with such a leaf can be edited and deleted.
func (w *Writer) blobsOf(ctx context.Context, s *docState, leaves []revtree.Leaf) (lengths map[couch.BlobID]int64, err error) {
	lengths = make(map[couch.BlobID]int64)
	for _, leaf := range leaves {
		atts, err := w.storedAttachments(ctx, s, leaf.Rev, leaf.Node)
		if err != nil && !errors.Is(err, couch.ErrCorrupt) {
			return nil, err
		}
		for _, a := range atts {
			if a.Length > 0 {
				lengths[a.Blob] = a.Length
			}
		}
	}
	return lengths, nil
}

// weigh returns what a stored content of a length counts for where a leaf has it: nothing
// if it is only at its origin.
func (w *Writer) weigh(ctx context.Context, id couch.BlobID, length int64) (int64, error) {
	if w.m.DeferredBytes == 0 {
		return length, nil
	}
	deferred, err := w.contents.Blobs.IsDeferred(ctx, w.tx, id)
	if err != nil || !deferred {
		return length, err
	}
	row, err := kv.GetOne(ctx, w.tx, schema.KeptKey(id))
	if row == nil {
		return 0, err
	}
	return length, err
}
