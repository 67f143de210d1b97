package edits

import (
	"context"

	"settle/storage/couch"
)

func replicated(ctx context.Context, w *Writer, s *docState, d *couch.Document) (couch.RevID, error, error) {
	rev := d.Rev()
	node, known := s.tree.Get(rev)
	if known && node.Available {
		return rev, nil, lengthen(s, d.Revisions)
	}
	doc, refusal, err := w.resolve(ctx, s, d, ancestors(d), rev.Gen)
	if err != nil || refusal != nil {
		return rev, refusal, err
	}
	return rev, nil, w.add(ctx, s, d.Revisions, doc)
}

// ancestors returns the revisions in front of a replicated one, the nearest first.
func ancestors(d *couch.Document) []couch.RevID {
	path := revs(d.Revisions, len(d.Revisions.Hashes))
	return path[min(1, len(path)):]
}

// lengthen merges the path of a revision that is stored already: it may know
// ancestors, and join histories, that the tree does not. Whether that changes
// the document shows when it is stored, and the tree cut to its limit.
func lengthen(s *docState, path couch.Revisions) (err error) {
	if !s.changed && s.before == nil {
		if s.before, err = s.tree.AppendBinary(nil); err != nil {
			return err
		}
	}
	node, _ := s.tree.Get(path.Leaf())
	_, _, err = s.tree.Merge(path, node)
	return err
}
