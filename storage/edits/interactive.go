package edits

import (
	"context"
	"slices"

	"settle/storage/couch"
	"settle/storage/docjson"
)

// interactive applies an edit as CouchDB does for a client. It must extend a
// leaf (couch_db_updater:merge_rev_tree). A document that is deleted is made anew
// on top of its winner, and only by an edit that names no revision.
//
// An edit that names a revision of a document that is not there makes the next
// generation, unless CouchDB looks the documents of the batch up first, which it
// does for the first batch of a database and for those with attachments or
// design documents (couch_db:before_docs_update): then it is a conflict.
func interactive(ctx context.Context, w *Writer, s *docState, d *couch.Document) (couch.RevID, error, error) {
	refused := conflicts(w, s, d)
	if refused && s.tree.Len() > 0 {
		return couch.RevID{}, couch.ErrConflict, nil
	}
	doc, refusal, err := w.resolve(ctx, s, asEdited(d), revs(d.Revisions, 1), d.Revisions.Start+1)
	if err != nil || refusal != nil {
		return couch.RevID{}, refusal, err
	}
	if refused { // where there is no document, a missing stub is told first
		return couch.RevID{}, couch.ErrConflict, nil
	}
	parent, id := d.Revisions, docjson.RevID
	if s.tree.Len() > 0 && s.tree.Deleted() {
		winner, _, _ := s.tree.Winner()
		parent, id = couch.PathTo(winner), recreationID
	}
	rev, err := id(doc.Deleted, parent.Leaf(), doc.Body, doc.Attachments)
	if err != nil {
		return couch.RevID{}, nil, err
	}
	path := couch.Revisions{Start: rev.Gen, Hashes: append([]string{rev.Hash}, parent.Hashes...)}
	if err := w.add(ctx, s, path, doc); err != nil {
		return couch.RevID{}, nil, err
	}
	return rev, nil, nil
}

func recreationID(_ bool, parent couch.RevID, body couch.Body, atts []couch.Attachment) (couch.RevID, error) {
	return docjson.RecreationRevID(parent, body, atts)
}

// conflicts says whether an interactive edit is refused.
func conflicts(w *Writer, s *docState, d *couch.Document) bool {
	names := len(d.Revisions.Hashes) > 0
	switch {
	case s.tree.Len() == 0:
		return names && w.looksUp
	case s.tree.Deleted():
		return names || d.Deleted
	}
	return !s.tree.IsLeaf(d.Revisions.Leaf())
}

// asEdited forgets where a client says that new contents came in, for an interactive
// edit brings them now, and what it says of those that its stubs by name stand for,
// which are those of the revision that it edits.
func asEdited(d *couch.Document) *couch.Document {
	out := *d
	out.Attachments = slices.Clone(d.Attachments)
	for i := range out.Attachments {
		a := &out.Attachments[i]
		switch {
		case !a.Stub:
			a.RevPos = 0
		case !a.ByDigest:
			a.Digest, a.Length = couch.Digest{}, 0
		}
	}
	return &out
}

// revs returns the first n revisions of a path, or all that there are.
func revs(path couch.Revisions, n int) []couch.RevID {
	out := make([]couch.RevID, 0, min(n, len(path.Hashes)))
	for i := range cap(out) {
		out = append(out, path.Rev(i))
	}
	return out
}
