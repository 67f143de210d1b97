package edits

import (
	"context"
	"iter"
	"math"
	"slices"
	"strings"

	"settle/attachments"
	"settle/storage/couch"
	"settle/storage/revtree"
	"settle/storage/schema"
)

// resolve returns the document with its stubs replaced by what they name, and new
// contents at generation gen, unless they say another. Stubs by name are looked up in
// the ancestors on path, nearest first, and the error is a MissingStub; those by
// digest in all that is held. That one is not, or an upload was used, refuses the
// document alone.
func (w *Writer) resolve(ctx context.Context, s *docState, d *couch.Document, path []couch.RevID, gen uint64) (out *couch.Document, refusal, err error) {
	resolved := *d
	resolved.Attachments = slices.Clone(d.Attachments)
	held, err := w.heldContents(ctx, s, d)
	if err != nil {
		return nil, nil, err
	}
	own := make(map[attachments.Tag]couch.BlobID)
	for i := range resolved.Attachments {
		a := &resolved.Attachments[i]
		switch {
		case a.Stub && a.ByDigest:
			if refusal = resolveByDigest(s.id, a, held, gen); refusal != nil {
				return nil, refusal, nil
			}
		case a.Stub:
			if *a, err = w.findStub(ctx, s, *a, path); err != nil {
				return nil, nil, err
			}
		case a.Pending == nil:
			return nil, nil, couch.Errorf(couch.Internal, "an attachment was to be written without content")
		default:
			a.Blob, err = w.blobOf(ctx, a.Pending, own)
			if err == error(attachments.ErrUploadUsed) { // itself, not one of its kind
				return nil, err, nil
			}
			if err != nil {
				return nil, nil, err
			}
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
			if a.Name == stub.Name && (stub.RevPos == 0 || stub.RevPos == a.RevPos) && maySay(stub, a) {
				a.Pending = nil // whoever brought it stores it
				return a, nil
			}
		}
	}
	return couch.Attachment{}, couch.Errorf(couch.MissingStub, "Invalid attachment stub in %s for %s", s.id, stub.Name)
}

// maySay reports whether what a stub says of its content may be said of a stored one.
// That name and revpos are those of another content happens: a document that is made
// anew on top of a deletion has its attachments' revpos begin at 1 again, and who has
// not seen the deletion has a revision 1 below. Of what CouchDB compresses it says the
// digest of its gzip output, which tells nothing.
func maySay(stub, stored couch.Attachment) bool {
	if stub.Length != 0 && stub.Length != stored.Length {
		return false
	}
	return stub.Digest == (couch.Digest{}) || stub.Digest == stored.Digest || isCompressible(stored.ContentType)
}

// isCompressible reports whether CouchDB compresses content of a type, as its default
// configuration has it ([attachments] compressible_types).
func isCompressible(contentType string) bool {
	for _, prefix := range []string{"text/", "application/javascript", "application/json", "application/xml"} {
		if strings.HasPrefix(contentType, prefix) {
			return true
		}
	}
	return false
}

// content is what a stub by digest says of the content that it means.
type content struct {
	digest couch.Digest
	length int64
}

// heldContents looks up the contents that a document's stubs by digest mean, in each
// revision once; of several that hold one the first counts.
func (w *Writer) heldContents(ctx context.Context, s *docState, d *couch.Document) (map[content]couch.Attachment, error) {
	missing, least := make(map[content]bool), int64(math.MaxInt64)
	for i := range d.Attachments {
		if a := &d.Attachments[i]; a.Stub && a.ByDigest {
			missing[content{a.Digest, a.Length}] = true
			least = min(least, a.Length)
		}
	}
	if len(missing) == 0 {
		return nil, nil
	}
	held := make(map[content]couch.Attachment, len(missing))
	for rev := range heldRevs(s, d.Revisions) {
		if node, _ := s.tree.Get(rev); node.AttSize < least {
			continue
		}
		atts, err := w.attachmentsOf(ctx, s, rev)
		if err != nil {
			return nil, err
		}
		for i := range atts {
			if key := (content{atts[i].Digest, atts[i].Length}); missing[key] {
				held[key] = atts[i]
				delete(missing, key)
			}
		}
		if len(missing) == 0 {
			break
		}
	}
	return held, nil
}

// resolveByDigest gives a stub, which keeps its name and its type, the content that it
// means, and a revpos within gen.
func resolveByDigest(id couch.DocID, stub *couch.Attachment, held map[content]couch.Attachment, gen uint64) (refusal error) {
	a, ok := held[content{stub.Digest, stub.Length}]
	if !ok {
		missing := couch.Errorf(couch.MissingStub, "Invalid attachment stub in %s for %s", id, stub.Name)
		return &couch.Error{Kind: couch.Forbidden, Reason: "missing_stub: " + stub.Name, Err: missing}
	}
	if stub.RevPos < 1 || stub.RevPos > gen {
		stub.RevPos = min(a.RevPos, gen)
	}
	stub.Blob, stub.Encoded, stub.Stub, stub.ByDigest = a.Blob, a.Encoded, false, false
	return nil
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
	node, _ := s.tree.Get(rev)
	if !schema.IsStored(node) {
		return nil, nil
	}
	return w.storedAttachments(ctx, s, rev, node)
}

// storedAttachments is attachmentsOf for a revision that is stored, or was when the
// transaction began; node is the one that it has, or had.
func (w *Writer) storedAttachments(ctx context.Context, s *docState, rev couch.RevID, node revtree.Node) ([]couch.Attachment, error) {
	if atts, ok := s.atts[rev]; ok || !node.Attachments {
		return atts, nil
	}
	body, err := w.readBody(ctx, s.id, rev, node)
	if err != nil {
		return nil, err
	}
	s.atts[rev] = body.Attachments
	return body.Attachments, nil
}
