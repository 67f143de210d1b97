package documents

import (
	"strings"

	"settle/storage/couch"
	"settle/storage/docjson"
)

// put answers PUT /{db}/{doc}: JSON, or multipart/related with attachments.
func (r request) put(id couch.DocID) error {
	o, err := readOptionsOf(r.Query())
	if err != nil {
		return err
	}
	if err := r.checkID(id); err != nil {
		return err
	}
	isMultipart := strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/related;")
	receive := r.receive
	if isMultipart {
		receive = r.receiveRelated
	}
	parsed, err := receive()
	if err != nil {
		return err
	}
	defer parsed.Discard()
	doc, err := r.addressed(parsed, id)
	if err != nil {
		return err
	}
	if o.replicated && len(doc.Revisions.Hashes) == 0 {
		return errNoRev
	}
	if r.isBatchOK() && !isMultipart {
		return r.saveUnseen(doc)
	}
	s, err := r.save(doc, o.replicated)
	if err != nil {
		return err
	}
	r.SetLocation(r.db.Name(), string(id))
	r.SetETag(s.etag)
	return r.answerSaved(s.status(), s)
}

// addressed makes the document that the request puts at id, whatever id it has
// in its text.
func (r request) addressed(parsed *docjson.Parsed, id couch.DocID) (*couch.Document, error) {
	doc := asDocument(parsed)
	doc.ID = id
	var err error
	doc.Revisions, err = r.baseRevisions(doc.Revisions)
	return doc, err
}

// checkID checks the id of a document that is to be written.
func (r request) checkID(id couch.DocID) error {
	if err := id.Validate(); err != nil {
		return err
	}
	if max := r.Limits().MaxDocumentID; max > 0 && int64(len(id)) > max {
		return couch.Errorf(couch.IllegalDocID, "Document id is too long")
	}
	return nil
}
