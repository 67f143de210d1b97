package remote

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"net/http"
	"slices"
	"strings"

	"settle/attachments/multipart"
	"settle/replication"
	"settle/storage/couch"
	"settle/storage/docjson"
)

// errBadDocs says that an answer with documents could not be read.
var errBadDocs = &replication.Error{Kind: replication.Failed, Reason: "the peer's answer with documents was cut short, or is malformed"}

// Fetch yields revisions: by _bulk_get those that have no attachments, or only
// unchanged ones, the others one by one. See [replication.Source].
func (r *Remote) Fetch(ctx context.Context, asks []replication.Ask) iter.Seq2[*replication.Revision, error] {
	return func(yield func(*replication.Revision, error) bool) {
		rest, stopped, err := r.fetchBulk(ctx, asks, yield)
		if stopped {
			return
		}
		for _, ask := range rest {
			if err == nil {
				stopped, err = r.fetchOne(ctx, ask, yield)
			}
			if stopped {
				return
			}
		}
		if err != nil {
			yield(nil, r.refused(err))
		}
	}
}

// stubs makes those attachments Stubs that one of the revisions in since has, and reports
// whether all are.
func stubs(doc *couch.Document, since []couch.RevID) bool {
	known, all := replication.KnownGeneration(doc.Revisions, since), true
	for i := range doc.Attachments {
		a := &doc.Attachments[i]
		a.Stub = a.RevPos > 0 && a.RevPos <= known
		all = all && a.Stub
	}
	return all
}

// readRevision reads one document without contents. One that breaks the rules of
// documents is Refused.
func readRevision(json *docjson.Reader) (*replication.Revision, error) {
	rev, _, err := parseRevision(json)
	return rev, err
}

// parseRevision is readRevision that also tells what the document says of its attachments.
func parseRevision(json *docjson.Reader) (*replication.Revision, []docjson.Attachment, error) {
	parsed, err := json.Document(docjson.Options{MaxBody: maxBody})
	if known, ok := errors.AsType[*couch.Error](err); ok && slices.Contains(refusals, known.Kind) {
		return &replication.Revision{Refused: err}, nil, nil
	}
	if err != nil || !parsed.HasID || len(parsed.Revisions.Hashes) == 0 {
		return nil, nil, errBadDocs
	}
	return &replication.Revision{Doc: document(parsed)}, parsed.Attachments, nil
}

// refusals are the errors of documents that no other try makes better.
var refusals = []couch.Kind{couch.DocValidation, couch.IllegalDocID, couch.DocumentTooLarge}

// document makes a document of what was read.
func document(p *docjson.Parsed) *couch.Document {
	doc := &couch.Document{ID: p.ID, Deleted: p.Deleted, Revisions: p.Revisions, Body: couch.Body{Text: p.Body.Text}}
	for i := range p.Attachments {
		a := p.Attachments[i].Attachment
		a.Encoded = a.Stub && p.Attachments[i].Encoding == "gzip"
		doc.Attachments = append(doc.Attachments, a)
	}
	return doc
}

// fetchOne yields revisions of one document with the contents of attachments.
func (r *Remote) fetchOne(ctx context.Context, ask replication.Ask, yield func(*replication.Revision, error) bool) (stopped bool, err error) {
	var res *http.Response
	err = r.again(ctx, func() (err error) {
		res, err = r.openRevs(ctx, ask)
		return err
	})
	if status, ok := errors.AsType[*statusError](err); ok && status.status == http.StatusNotFound {
		for range ask.Revs {
			if !yield(new(replication.Revision), nil) {
				return true, nil
			}
		}
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer res.Body.Close()
	kind := res.Header.Get("Content-Type")
	if !strings.HasPrefix(kind, "multipart/") {
		return r.readOpenRevs(ctx, res.Body, ask, yield)
	}
	return readParts(res.Body, kind, yield)
}

// readParts reads revisions, each in a part of its own.
func readParts(body io.Reader, kind string, yield func(*replication.Revision, error) bool) (stopped bool, err error) {
	parts, err := multipart.NewReader(body, kind, 0)
	for err == nil && !stopped {
		var part *multipart.Part
		if part, err = parts.Next(); err == nil {
			stopped, err = readPart(part, yield)
		}
	}
	switch {
	case stopped, err == io.EOF:
		return stopped, nil
	case replication.IsRefusal(err):
		return false, errBadDocs
	}
	return false, err
}

// readPart reads one revision, and yields it with contents that are read as they come.
func readPart(part *multipart.Part, yield func(*replication.Revision, error) bool) (stopped bool, err error) {
	if part.MediaType() != "multipart/related" {
		if strings.Contains(part.Header.Get("Content-Type"), "error") {
			return !yield(new(replication.Revision), nil), nil
		}
		rev, err := readRevision(docjson.NewReader(part))
		if err != nil {
			return false, err
		}
		return !yield(rev, nil), nil
	}
	related, err := multipart.NewReader(part, part.Header.Get("Content-Type"), 0)
	if err != nil {
		return false, err
	}
	first, err := related.Document()
	if err != nil {
		return false, err
	}
	rev, atts, err := parseRevision(docjson.NewReader(first))
	if err != nil {
		return false, err
	}
	for i := range atts {
		if atts[i].Follows {
			rev.Contents = append(rev.Contents, following(related, i, &atts[i]))
		}
	}
	return !yield(rev, nil), nil
}

// following is a content that comes in the next part.
func following(parts *multipart.Reader, index int, a *docjson.Attachment) replication.Content {
	c := replication.Content{Index: index, Encoding: a.Encoding, Length: a.Length, Digest: a.Digest}
	if a.Encoding == "gzip" {
		c.Length = a.EncodedLength
	}
	length := c.Length
	c.Open = func() (io.ReadCloser, error) {
		part, err := parts.Next()
		if err != nil {
			return nil, errBadDocs
		}
		return io.NopCloser(unkind{part.Expect(length)}), nil
	}
	return c
}

// unkind gives errors of reading from a peer no kind that would mean a refusal.
type unkind struct{ r io.Reader }

// Read reads on.
func (u unkind) Read(p []byte) (int, error) {
	n, err := u.r.Read(p)
	if err != nil && err != io.EOF {
		err = errBadDocs
	}
	return n, err
}

// readOpenRevs reads the answer of a peer that knows no multipart: a JSON list. The
// contents are asked for one by one.
func (r *Remote) readOpenRevs(ctx context.Context, body io.Reader, ask replication.Ask, yield func(*replication.Revision, error) bool) (stopped bool, err error) {
	var rows []struct{ OK json.RawMessage }
	if json.NewDecoder(io.LimitReader(body, maxBody)).Decode(&rows) != nil {
		return false, errBadDocs
	}
	for _, row := range rows {
		rev := new(replication.Revision)
		if row.OK != nil {
			if rev, err = readRevision(docjson.NewReader(bytes.NewReader(row.OK))); err != nil {
				return false, err
			}
		}
		if rev.Doc != nil && !stubs(rev.Doc, ask.Since) && !ask.Deferred {
			r.fetchContents(ctx, rev)
		}
		if !yield(rev, nil) {
			return true, nil
		}
	}
	return false, nil
}

// fetchContents lets the contents that are not known be asked for when they are opened.
func (r *Remote) fetchContents(ctx context.Context, rev *replication.Revision) {
	doc := rev.Doc
	for i := range doc.Attachments {
		a := &doc.Attachments[i]
		if a.Stub {
			continue
		}
		rev.Contents = append(rev.Contents, replication.Content{Index: i, Length: a.Length, Digest: a.Digest, Open: func() (io.ReadCloser, error) {
			res, err := r.attachment(ctx, doc.ID, doc.Rev(), a.Name, "")
			if err != nil {
				return nil, r.refused(err)
			}
			return res.Body, nil
		}})
	}
}
