package functions

import (
	"bytes"
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
	d, err := f.designOf(r)
	if err != nil {
		return err
	}
	id := couch.DocID(r.Param("*"))
	doc, err := document(r, id)
	if err != nil {
		return err
	}
	body, err := readBody(r)
	if err != nil {
		return err
	}
	req, err := object{r: r, id: string(id), body: body}.append(nil)
	if err != nil {
		return err
	}
	edit, response, err := d.Update(r.Context(), r.Param("name"), doc, req)
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
	results, err := db.BulkDocs(r.Context(), storage.Docs(doc))
	if err != nil {
		return err
	}
	if err := results[0].Err; err != nil {
		return err
	}
	if response.Code == http.StatusOK {
		response.Code = http.StatusCreated
	}
	r.Response.Header().Set("X-Couch-Id", web.EscapeSegment(string(results[0].ID)))
	r.Response.Header().Set("X-Couch-Update-NewRev", results[0].Rev.String())
	return nil
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
