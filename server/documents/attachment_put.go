package documents

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"settle/server/web"
	"settle/storage/couch"
	"settle/storage/docjson"
)

// errMissingRev is CouchDB's answer to a change of an attachment of a revision
// that is not there.
var errMissingRev = &web.Error{Status: http.StatusConflict, Name: "not_found", Reason: "missing_rev"}

// putAttachment answers PUT /{db}/{doc}/{name}: the body becomes an attachment of
// the document's next revision, in front of the others.
func (r request) putAttachment(id couch.DocID) error {
	name, kind := r.Param("*"), r.attachmentType()
	if err := checkAttachment(name, kind); err != nil {
		return err
	}
	content, err := r.attachmentBody()
	if err != nil {
		return err
	}
	doc, err := r.edited(id, name)
	if err != nil {
		return err
	}
	if doc == nil {
		if err := r.admit(); err != nil {
			return err
		}
		doc = &couch.Document{ID: id, Body: emptyBody()}
	}
	stored, err := r.store(name, content)
	if err != nil {
		return err
	}
	defer stored.Pending.Discard()
	stored.ContentType = kind
	doc.Attachments = append([]couch.Attachment{stored}, doc.Attachments...)
	s, err := r.save(doc, false)
	if err != nil {
		return err
	}
	r.SetLocation(r.db.Name(), string(id), name)
	return r.answerSaved(http.StatusCreated, s)
}

// readAnyway is the length in bytes of contents that are read before the write itself
// looks at the quota: to ask for it first waits for the commits of other clients.
const readAnyway = 64 << 10

// admit refuses the content of a new document that the quota has no room for, before
// any of it is read. Of other documents it may take the place of as much.
func (r request) admit() error {
	if r.ContentLength <= readAnyway { // or unknown
		return nil
	}
	quota, err := r.db.Quota(r.Context())
	if err != nil {
		return err
	}
	return quota.Admits(r.ContentLength)
}

// attachmentType is the type of the content in the body: what the client says, be
// it empty.
func (r request) attachmentType() string {
	if types := r.Header.Values("Content-Type"); len(types) > 0 {
		return types[0]
	}
	return "application/octet-stream"
}

// deleteAttachment answers DELETE /{db}/{doc}/{name}.
func (r request) deleteAttachment(id couch.DocID) error {
	name := r.Param("*")
	if err := checkAttachment(name, ""); err != nil {
		return err
	}
	doc, err := r.edited(id, name)
	if err != nil {
		return err
	}
	if doc == nil {
		return r.refuseDeletion(id, name)
	}
	s, err := r.save(doc, false)
	if err != nil {
		return err
	}
	return r.answerSaved(http.StatusOK, s)
}

// refuseDeletion says why a deletion that names no revision is refused.
func (r request) refuseDeletion(id couch.DocID, name string) error {
	doc, err := r.db.Get(r.Context(), id, couch.GetOptions{})
	if err != nil {
		return err
	}
	if findAttachment(doc, name) == nil {
		return errNoAttachment
	}
	return couch.ErrConflict
}

// checkAttachment checks the name and the type of an attachment that a client gives
// outside of a document.
func checkAttachment(name, contentType string) error {
	a := couch.Attachment{Name: name, ContentType: contentType}
	if err := a.CheckBounds(); err != nil {
		return err
	}
	switch {
	case strings.HasPrefix(name, "_"):
		return couch.Errorf(couch.BadRequest, "Attachment name '%s' starts with prohibited character '_'", strings.ToValidUTF8(name, "\uFFFD"))
	case !utf8.ValidString(name):
		return couch.Errorf(couch.BadRequest, "Attachment name is not UTF-8 encoded")
	}
	return nil
}

// edited returns the next revision of the document at the revision that the
// request names, without the attachment name; nil where it names none.
func (r request) edited(id couch.DocID, name string) (*couch.Document, error) {
	if id.IsLocal() {
		return nil, errLocalAttachment
	}
	base, err := r.baseRevisions(couch.Revisions{})
	if err != nil {
		return nil, err
	}
	if len(base.Hashes) == 0 {
		return nil, r.checkID(id)
	}
	doc, err := r.editedAt(id, base.Leaf())
	if err != nil {
		return nil, err
	}
	before := len(doc.Attachments)
	doc.Attachments = slices.DeleteFunc(doc.Attachments, func(a couch.Attachment) bool { return a.Name == name })
	if r.Method == http.MethodDelete && len(doc.Attachments) == before {
		return nil, errNoAttachment
	}
	return doc, nil
}

// editedAt returns the next revision of the document at a revision, with all its
// attachments.
func (r request) editedAt(id couch.DocID, rev couch.RevID) (*couch.Document, error) {
	stored, err := r.read(id, readOptions{hasRev: true, get: couch.GetOptions{Rev: rev, Revs: true}})
	if errors.Is(err, couch.ErrNotFound) {
		return nil, errMissingRev
	}
	if err != nil {
		return nil, err
	}
	doc := &couch.Document{ID: id, Deleted: stored.Deleted, Revisions: stored.Revisions, Body: stored.Body}
	for _, a := range stored.Attachments {
		doc.Attachments = append(doc.Attachments, couch.Attachment{Name: a.Name, RevPos: a.RevPos, Stub: true})
	}
	return doc, nil
}

// attachmentBody returns the content that the body holds, unpacked.
func (r request) attachmentBody() (io.Reader, error) {
	body, err := r.RawBody()
	if err != nil {
		return nil, err
	}
	switch strings.ToLower(strings.TrimSpace(r.Header.Get("Content-Encoding"))) {
	case "", "identity":
		return body, nil
	case "gzip":
		return r.LimitBody(docjson.Gunzip(body)), nil
	}
	return nil, couch.Errorf(couch.BadContentType, "Only gzip and identity content-encodings are supported")
}
