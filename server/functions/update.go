package functions

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"

	"settle/server/web"
	"settle/storage"
	"settle/storage/couch"
	"settle/storage/design"
	"settle/storage/docjson"
)

// update lets an update function make an edit, and answer for it.
func (f *Functions) update(r *web.Request) error {
	c, err := f.callOf(r, "updates")
	if err != nil {
		return err
	}
	edit, response, err := c.design.Update(r.Context(), r.Param("name"), c.doc, c.req)
	if err != nil {
		return err
	}
	if edit != nil {
		if err := write(r, edit, &response); err != nil {
			return err
		}
	}
	return answer(r, response)
}

// write stores the document that an update function returned, and tells of it in the
// answer's header.
func write(r *web.Request, text []byte, response *design.Response) error {
	db := web.DatabaseOf[Database](r)
	doc, err := parse(r, db, text)
	if err != nil {
		return err
	}
	rev, err := save(r.Context(), db, doc)
	if err != nil {
		return err
	}
	if !response.HasCode {
		response.Code = http.StatusCreated
	}
	response.Header = append(response.Header,
		design.HeaderField{Name: "X-Couch-Update-NewRev", Value: rev},
		design.HeaderField{Name: "X-Couch-Id", Value: web.EscapeSegment(string(doc.ID))})
	return nil
}

// save stores a document, which may be a local one, and returns its new revision.
func save(ctx context.Context, db Database, doc *couch.Document) (string, error) {
	if doc.ID.IsLocal() {
		doc.DiscardPending()
		return writeLocal(ctx, db, doc)
	}
	results, err := db.BulkDocs(ctx, storage.Docs(doc))
	if err != nil {
		return "", err
	}
	err = results[0].Err
	if behind := errors.Unwrap(err); errors.Is(behind, couch.ErrMissingStub) {
		err = behind // which refuses a document in a batch in other words
	}
	return results[0].Rev.String(), err
}

// parse reads the document that a function returned. Its inline contents belong to the
// caller.
func parse(r *web.Request, db Database, text []byte) (*couch.Document, error) {
	limits := r.Limits()
	store := func(name string, content io.Reader) (couch.Attachment, error) {
		pending, err := db.WriteBlob(r.Context(), content, limits.MaxAttachmentSize)
		if err != nil {
			return couch.Attachment{}, err
		}
		return couch.Attachment{Name: name, Blob: pending.BlobID(), Pending: pending, Digest: pending.Digest(), Length: pending.Length()}, nil
	}
	parsed, err := docjson.NewReader(bytes.NewReader(text)).Document(docjson.Options{MaxBody: limits.MaxDocumentSize, Store: store})
	if err != nil {
		return nil, err
	}
	doc := &couch.Document{ID: parsed.ID, Deleted: parsed.Deleted, Revisions: parsed.Revisions, Body: parsed.Body}
	for _, a := range parsed.Attachments {
		doc.Attachments = append(doc.Attachments, a.Attachment)
	}
	if err := doc.ID.Validate(); err != nil {
		parsed.Discard()
		return nil, err
	}
	return doc, nil
}
