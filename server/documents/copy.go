package documents

import (
	"net/http"
	"net/url"
	"strings"

	"settle/storage/couch"
)

// copy answers COPY /{db}/{doc}: one revision of a document becomes another
// document, or its next revision, with all its attachments. A tombstone's copy
// is a tombstone.
func (r request) copy(source couch.DocID) error {
	explicit, err := r.queryRev()
	if err != nil {
		return err
	}
	rev, err := r.headerRev(explicit)
	if err != nil {
		return err
	}
	id, base, err := destination(r.Header.Values("Destination"))
	if err != nil {
		return err
	}
	doc, err := r.copied(source, rev)
	if err != nil {
		return err
	}
	defer doc.DiscardPending()
	if err := r.checkID(id); err != nil {
		return err
	}
	doc.ID, doc.Revisions = id, base
	s, err := r.save(doc, false)
	if err != nil {
		return err
	}
	r.SetLocation(r.db.Name(), string(id))
	r.SetETag(s.rev)
	return r.answerSaved(http.StatusCreated, s)
}

// destination reads the Destination header: an id, escaped as in a path, and
// where it names one that is there already "?rev=" and its revision.
func destination(values []string) (couch.DocID, couch.Revisions, error) {
	if len(values) == 0 {
		return "", couch.Revisions{}, couch.Errorf(couch.BadRequest, "Destination header is mandatory for COPY.")
	}
	escaped, query, hasQuery := strings.Cut(values[0], "?")
	if strings.HasPrefix(escaped, "http://") || strings.HasPrefix(escaped, "https://") {
		return "", couch.Revisions{}, couch.Errorf(couch.BadRequest, "Destination URL must be relative.")
	}
	id, err := url.QueryUnescape(escaped)
	if err != nil {
		return "", couch.Revisions{}, couch.Errorf(couch.BadRequest, "invalid_url_encoding")
	}
	if !hasQuery {
		return couch.DocID(id), couch.Revisions{}, nil
	}
	_, text, ok := strings.Cut(query, "=")
	if !ok || strings.Contains(query, "?") || strings.Contains(text, "=") {
		return "", couch.Revisions{}, couch.Errorf(couch.BadRequest, "Destination header must be an id, with nothing but ?rev= behind it.")
	}
	rev, err := couch.ParseRev(text)
	if err != nil {
		return "", couch.Revisions{}, err
	}
	return couch.DocID(id), pathTo(rev), nil
}

// copied reads a revision of a document, nil the winner, and makes a new document
// of it, whose attachments are contents of their own.
func (r request) copied(id couch.DocID, rev *couch.RevID) (*couch.Document, error) {
	if id.IsLocal() {
		return r.copiedLocal(id, rev)
	}
	o := readOptions{hasRev: rev != nil}
	if rev != nil {
		o.get.Rev = *rev
	}
	stored, err := r.read(id, o)
	if err != nil {
		return nil, err
	}
	doc := &couch.Document{Deleted: stored.Deleted, Body: stored.Body}
	for i := range stored.Attachments {
		a, err := r.copiedAttachment(&stored.Attachments[i])
		if err != nil {
			doc.DiscardPending()
			return nil, err
		}
		doc.Attachments = append(doc.Attachments, a)
	}
	return doc, nil
}

// copiedLocal reads a local document. It has one revision, so that asking for one
// by its id finds none.
func (r request) copiedLocal(id couch.DocID, rev *couch.RevID) (*couch.Document, error) {
	if rev != nil {
		return nil, couch.ErrNotFound
	}
	local, err := r.db.GetLocal(r.Context(), id)
	if err != nil {
		return nil, err
	}
	return &couch.Document{Body: local.Body}, nil
}

func (r request) copiedAttachment(stored *couch.Attachment) (couch.Attachment, error) {
	content, err := r.content(stored)
	if err != nil {
		return couch.Attachment{}, err
	}
	defer content.Close()
	pending, err := r.db.WriteBlob(r.Context(), content, 0)
	if err != nil {
		return couch.Attachment{}, err
	}
	return couch.Attachment{
		Name: stored.Name, ContentType: stored.ContentType, Blob: pending.BlobID(), Pending: pending,
		Digest: pending.Digest(), Length: pending.Length(),
	}, nil
}
