package edits

import (
	"context"
	"slices"

	"settle/storage/couch"
)

// attachmentsOf returns the attachments of a stored revision.
func (w *Writer) attachmentsOf(ctx context.Context, s *docState, rev couch.RevID) ([]couch.Attachment, error) {
	if atts, ok := s.added[rev]; ok {
		return atts, nil
	}
	node, _ := s.tree.Get(rev)
	if !node.Available || !node.Attachments {
		return nil, nil
	}
	body, err := w.readBody(ctx, s.id, rev, node)
	return body.Attachments, err
}

// resolve returns the document with its stubs replaced by what the ancestors on
// path hold, nearest first, and new contents at generation gen, unless they say
// another. The error is a MissingStub.
func (w *Writer) resolve(ctx context.Context, s *docState, d *couch.Document, path []couch.RevID, gen uint64) (*couch.Document, error) {
	out := *d
	out.Attachments = slices.Clone(d.Attachments)
	for i := range out.Attachments {
		a := &out.Attachments[i]
		if a.Stub {
			found, err := w.findStub(ctx, s, *a, path)
			if err != nil {
				return nil, err
			}
			*a = found
			continue
		}
		if a.Pending == nil {
			return nil, couch.Errorf(couch.Internal, "an attachment was to be written without content")
		}
		a.Blob = a.Pending.BlobID()
		if a.RevPos == 0 {
			a.RevPos = gen
		}
	}
	return &out, nil
}

// findStub looks a stub up by its name, and its revpos where it has one.
func (w *Writer) findStub(ctx context.Context, s *docState, stub couch.Attachment, path []couch.RevID) (couch.Attachment, error) {
	for _, rev := range path {
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
