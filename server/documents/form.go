package documents

import (
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"

	"settle/storage/couch"
)

// form answers POST /{db}/{doc}, the upload of a web page: a form whose field
// `_doc` holds the document, or whose `_rev` names the one that is there, and
// whose `_attachments` are files. CouchDB takes it only from its own pages.
func (r request) form(id couch.DocID) error {
	if err := r.checkReferer(); err != nil {
		return err
	}
	if err := r.checkID(id); err != nil {
		return err
	}
	if r.MediaType() != "multipart/form-data" {
		return couch.Errorf(couch.BadContentType, "Content-Type must be multipart/form-data")
	}
	body, err := r.OpenBody()
	if err != nil {
		return err
	}
	f := &uploadForm{r: r, id: id}
	defer f.discard()
	if err := f.read(multipart.NewReader(body, r.MediaTypeParam("boundary"))); err != nil {
		return err
	}
	doc, err := f.document()
	if err != nil {
		return err
	}
	s, err := r.save(doc, false)
	if err != nil {
		return err
	}
	r.SetETag(s.rev)
	return r.answerSaved(http.StatusCreated, s)
}

// checkReferer checks that the form comes from a page of this server.
func (r request) checkReferer() error {
	referer := r.Header.Get("Referer")
	if referer == "" {
		return couch.Errorf(couch.BadRequest, "Referer header required.")
	}
	if from, err := url.Parse(referer); err != nil || from.Host != r.Host {
		return couch.Errorf(couch.BadRequest, "Referer host must match host.")
	}
	return nil
}

// uploadForm is a form as far as it has been read.
type uploadForm struct {
	r     request
	id    couch.DocID
	doc   *couch.Document // of the field _doc
	rev   *couch.RevID
	files []couch.Attachment
}

func (f *uploadForm) discard() {
	(&couch.Document{Attachments: f.files}).DiscardPending()
	if f.doc != nil {
		f.doc.DiscardPending()
	}
}

func (f *uploadForm) read(parts *multipart.Reader) error {
	for {
		part, err := parts.NextRawPart()
		if err == io.EOF {
			return nil
		}
		if err == nil {
			err = f.readPart(part)
		}
		if _, ok := errors.AsType[*couch.Error](err); err != nil && !ok {
			return &couch.Error{Kind: couch.BadRequest, Reason: "invalid form", Err: err}
		}
		if err != nil {
			return err
		}
	}
}

func (f *uploadForm) readPart(part *multipart.Part) error {
	switch part.FormName() {
	case "_doc":
		if f.doc != nil {
			return couch.Errorf(couch.BadRequest, "The form has two documents.")
		}
		parsed, err := f.r.readWhole(part)
		if err != nil {
			return err
		}
		err = f.r.takeContents(parsed)
		f.doc = asDocument(parsed)
		return err
	case "_rev":
		const longest = 1 << 10
		text, err := io.ReadAll(io.LimitReader(part, longest))
		if err != nil {
			return err
		}
		rev, err := couch.ParseRev(string(text))
		f.rev = &rev
		return err
	case "_attachments":
		return f.readFile(part)
	}
	return nil
}

func (f *uploadForm) readFile(part *multipart.Part) error {
	name := part.FileName()
	kind := part.Header.Get("Content-Type")
	if err := checkAttachment(name, kind); err != nil {
		return err
	}
	stored, err := f.r.store(name, part)
	if err != nil {
		return err
	}
	stored.ContentType = kind
	f.files = append(f.files, stored)
	return nil
}

// document makes the document that the form stands for: the files in front of
// the attachments that it keeps.
func (f *uploadForm) document() (*couch.Document, error) {
	doc, err := f.base()
	if err != nil {
		return nil, err
	}
	kept := doc.Attachments
	doc.Attachments = nil
	for _, a := range f.files {
		if findAttachment(doc, a.Name) != nil {
			return nil, couch.Errorf(couch.BadRequest, "Duplicate attachments")
		}
		doc.Attachments = append(doc.Attachments, a)
	}
	files := len(doc.Attachments)
	for _, a := range kept {
		if findAttachment(&couch.Document{Attachments: doc.Attachments[:files]}, a.Name) == nil {
			doc.Attachments = append(doc.Attachments, a)
		}
	}
	return doc, nil
}

func (f *uploadForm) base() (*couch.Document, error) {
	switch {
	case f.doc != nil:
		doc := *f.doc
		doc.ID = f.id
		var err error
		doc.Revisions, err = f.r.baseRevisions(doc.Revisions)
		return &doc, err
	case f.rev != nil:
		return f.r.editedAt(f.id, *f.rev)
	}
	return nil, couch.Errorf(couch.BadRequest, "The form has neither _doc nor _rev.")
}
