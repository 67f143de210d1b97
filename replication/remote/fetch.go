package remote

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"net/http"
	"strings"

	"settle/attachments/multipart"
	"settle/replication"
	"settle/storage/couch"
	"settle/storage/docjson"
)

// maxBody is the largest document that is taken from a peer, in bytes.
const maxBody = 64 << 20

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

// fetchBulk yields what one _bulk_get brings, and returns what is left to fetch.
func (r *Remote) fetchBulk(ctx context.Context, asks []replication.Ask, yield func(*replication.Revision, error) bool) (rest []replication.Ask, stopped bool, err error) {
	var plain []replication.Ask
	for _, ask := range asks {
		if ask.ID.IsDesign() || !r.o.UseBulkGet || r.noBulkGet.Load() {
			rest = append(rest, ask)
		} else {
			plain = append(plain, ask)
		}
	}
	if len(plain) == 0 {
		return rest, false, nil
	}
	var res *http.Response
	err = r.again(ctx, func() (err error) {
		res, err = r.bulkGet(ctx, plain)
		return err
	})
	if status, ok := errors.AsType[*statusError](err); ok && status.status != http.StatusUnauthorized && status.status != http.StatusForbidden && status.status < 500 {
		r.noBulkGet.Store(true)
		return asks, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	defer res.Body.Close()
	b := bulkGetReader{asks: plain, yield: yield}
	err = b.read(docjson.NewReader(res.Body))
	return append(rest, b.rest...), b.stopped, err
}

// bulkGetReader reads an answer to _bulk_get.
type bulkGetReader struct {
	asks    []replication.Ask
	yield   func(*replication.Revision, error) bool
	rest    []replication.Ask // what has to be fetched one by one
	stopped bool
}

var errStopped = errors.New("no more revisions are wanted")

func (b *bulkGetReader) read(json *docjson.Reader) error {
	results := 0
	for name, err := range json.Members() {
		if err != nil {
			return errBadDocs
		}
		if name != "results" {
			continue
		}
		for _, err := range json.Elements() {
			if err == nil {
				err = b.readResult(json)
			}
			if err == errStopped {
				b.stopped = true
				return nil
			}
			if err != nil {
				return err
			}
			results++
		}
	}
	if json.End() != nil || results == 0 && len(b.asks) > 0 {
		return errBadDocs
	}
	return nil
}

// readResult reads one {"id":..,"docs":[{"ok":..}|{"error":..}]}.
func (b *bulkGetReader) readResult(json *docjson.Reader) error {
	for name, err := range json.Members() {
		if err != nil {
			return errBadDocs
		}
		if name != "docs" {
			continue
		}
		for _, err := range json.Elements() {
			if err == nil {
				err = b.readDoc(json)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *bulkGetReader) readDoc(json *docjson.Reader) error {
	for name, err := range json.Members() {
		if err != nil {
			return errBadDocs
		}
		var rev *replication.Revision
		switch name {
		case "ok":
			rev, err = readRevision(json)
		case "error":
			rev, err = new(replication.Revision), json.Skip()
		default:
			continue
		}
		if err != nil {
			return err
		}
		if rev.Doc != nil && !b.isWhole(rev) {
			continue
		}
		rev.ByBulk = rev.Doc != nil && len(rev.Doc.Attachments) == 0
		if !b.yield(rev, nil) {
			return errStopped
		}
	}
	return nil
}

// isWhole reports whether a revision needs no contents; else it notes that it is to
// be fetched with them.
func (b *bulkGetReader) isWhole(rev *replication.Revision) bool {
	doc := rev.Doc
	var asked replication.Ask
	for _, ask := range b.asks {
		if ask.ID == doc.ID {
			asked = ask
			break
		}
	}
	if stubs(doc, asked.Since) || asked.Deferred {
		return true
	}
	asked.Revs = []couch.RevID{doc.Rev()}
	b.rest = append(b.rest, asked)
	return false
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
	parsed, err := json.Document(docjson.Options{MaxBody: maxBody})
	if known, ok := errors.AsType[*couch.Error](err); ok && (known.Kind == couch.DocValidation || known.Kind == couch.IllegalDocID || known.Kind == couch.DocumentTooLarge) {
		return &replication.Revision{Refused: err}, nil
	}
	if err != nil || !parsed.HasID || len(parsed.Revisions.Hashes) == 0 {
		return nil, errBadDocs
	}
	return &replication.Revision{Doc: document(parsed)}, nil
}

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
	parts, err := multipart.NewReader(res.Body, kind, 0)
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
	parsed, err := docjson.NewReader(first).Document(docjson.Options{MaxBody: maxBody})
	if known, ok := errors.AsType[*couch.Error](err); ok && (known.Kind == couch.DocValidation || known.Kind == couch.DocumentTooLarge) {
		return !yield(&replication.Revision{Refused: err}, nil), nil
	}
	if err != nil {
		return false, errBadDocs
	}
	rev := &replication.Revision{Doc: document(parsed)}
	for i := range parsed.Attachments {
		if a := &parsed.Attachments[i]; a.Follows {
			rev.Contents = append(rev.Contents, following(related, i, a))
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
