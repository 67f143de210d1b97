package edits

import (
	"context"

	"settle/storage/couch"
	"settle/storage/revtree"
	"settle/storage/schema"
)

// Superseded returns the revisions whose bodies compaction removes.
func Superseded(doc *schema.DocRow) []couch.RevID {
	var out []couch.RevID
	for rev, node := range doc.Tree.All() {
		if node.Available && !doc.Tree.IsLeaf(rev) {
			out = append(out, rev)
		}
	}
	return out
}

// Compact removes the superseded bodies of a document, which may be gone.
func (w *Writer) Compact(ctx context.Context, id couch.DocID) error {
	states, err := w.load(ctx, []couch.DocID{id})
	if err != nil || states[id].old == nil {
		return err
	}
	s := states[id]
	for _, rev := range Superseded(s.old) {
		node, _ := s.tree.Get(rev)
		if err := w.dropBody(ctx, s, rev, node); err != nil {
			return err
		}
		s.tree.Set(rev, revtree.Node{Seq: node.Seq, Deleted: node.Deleted})
	}
	encoded, err := s.old.Encode()
	if err != nil {
		return err
	}
	w.tx.Set(schema.DocKey(s.id), encoded)
	return w.finish(ctx)
}
