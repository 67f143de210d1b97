package edits

import (
	"context"
	"iter"
	"slices"

	"settle/storage/couch"
	"settle/storage/schema"
)

// resolve returns the document with its stubs replaced by what they name, and new
// contents at generation gen, unless they say another. Stubs by name are looked up in
// the ancestors on path, nearest first, and the error is a MissingStub; those by
// digest in all that is held, and where one is not, that refuses the document alone.
func (w *Writer) resolve(ctx context.Context, s *docState, d *couch.Document, path []couch.RevID, gen uint64) (out *couch.Document, refusal, err error) {
	resolved := *d
	resolved.Attachments = slices.Clone(d.Attachments)
	for i := range resolved.Attachments {
		a := &resolved.Attachments[i]
		switch {
		case a.Stub && a.ByDigest:
			if refusal, err = w.resolveByDigest(ctx, s, a, gen, d); refusal != nil || err != nil {
				return nil, refusal, err
			}
		case a.Stub:
			if *a, err = w.findStub(ctx, s, *a, path); err != nil {
				return nil, nil, err
			}
		case a.Pending == nil:
			return nil, nil, couch.Errorf(couch.Internal, "an attachment was to be written without content")
		default:
			a.Blob = a.Pending.BlobID()
			if a.RevPos == 0 {
				a.RevPos = gen
			}
		}
	}
	return &resolved, nil, nil
}

// findStub looks a stub up by its name, and its revpos where it has one.
func (w *Writer) findStub(ctx context.Context, s *docState, stub couch.Attachment, path []couch.RevID) (couch.Attachment, error) {
	for _, rev := range path {
		if node, _ := s.tree.Get(rev); !node.Available {
			continue
		}
		atts, err := w.attachmentsOf(ctx, s, rev)
		if err != nil {
			return couch.Attachment{}, err
		}
		for _, a := range atts {
			if a.Name == stub.Name && (stub.RevPos == 0 || stub.RevPos == a.RevPos) {
				a.Pending = nil // whoever brought it stores it
				return a, nil
			}
		}
	}
	return couch.Attachment{}, couch.Errorf(couch.MissingStub, "Invalid attachment stub in %s for %s", s.id, stub.Name)
}

// resolveByDigest gives a stub, which keeps its name and its type, the content that it
// means, and a revpos within gen.
func (w *Writer) resolveByDigest(ctx context.Context, s *docState, stub *couch.Attachment, gen uint64, d *couch.Document) (refusal, err error) {
	for rev := range heldRevs(s, d.Revisions) {
		if node, _ := s.tree.Get(rev); node.AttSize < stub.Length {
			continue
		}
		atts, err := w.attachmentsOf(ctx, s, rev)
		if err != nil {
			return nil, err
		}
		for _, a := range atts {
			if a.Digest != stub.Digest || a.Length != stub.Length {
				continue
			}
			if stub.RevPos < 1 || stub.RevPos > gen {
				stub.RevPos = min(a.RevPos, gen)
			}
			stub.Blob, stub.Stub, stub.ByDigest = a.Blob, false, false
			return nil, nil
		}
	}
	missing := couch.Errorf(couch.MissingStub, "Invalid attachment stub in %s for %s", s.id, stub.Name)
	return &couch.Error{Kind: couch.Forbidden, Reason: "missing_stub: " + stub.Name, Err: missing}, nil
}

// heldRevs yields the revisions that may have attachments: those on a path, in its
// order, then all others, the newest first.
func heldRevs(s *docState, path couch.Revisions) iter.Seq[couch.RevID] {
	return func(yield func(couch.RevID) bool) {
		seen := make(map[couch.RevID]bool, len(path.Hashes))
		for i := range path.Hashes {
			rev := path.Rev(i)
			seen[rev] = true
			if node, _ := s.tree.Get(rev); node.Attachments && !yield(rev) {
				return
			}
		}
		var others []couch.RevID
		for rev, node := range s.tree.All() {
			if node.Attachments && !seen[rev] {
				others = append(others, rev)
			}
		}
		for _, rev := range slices.Backward(others) {
			if !yield(rev) {
				return
			}
		}
	}
}

// attachmentsOf returns the attachments of a revision, also of one whose text is no
// longer stored.
func (w *Writer) attachmentsOf(ctx context.Context, s *docState, rev couch.RevID) ([]couch.Attachment, error) {
	if atts, ok := s.atts[rev]; ok {
		return atts, nil
	}
	node, _ := s.tree.Get(rev)
	if !schema.IsStored(node) || !node.Attachments {
		return nil, nil
	}
	body, err := w.readBody(ctx, s.id, rev, node)
	if err != nil {
		return nil, err
	}
	s.atts[rev] = body.Attachments
	return body.Attachments, nil
}
