package documents

import (
	"errors"
	"io"

	"settle/storage/couch"
	"settle/storage/docjson"
)

// receive reads the body as one document. Its inline contents are stored; they
// belong to the caller, who discards them or gives them to a write.
func (r request) receive() (*docjson.Parsed, error) {
	body, err := r.OpenBody()
	if err != nil {
		return nil, err
	}
	doc, err := r.readWhole(body)
	if err != nil {
		return nil, err
	}
	if err := r.takeContents(doc); err != nil {
		doc.Discard()
		return nil, err
	}
	return doc, nil
}

// takeContents gives the attachments of a document that comes without parts what they
// name as their contents.
func (r request) takeContents(doc *docjson.Parsed) error {
	if err := noneFollows(doc); err != nil {
		return err
	}
	return r.takeUploads(doc, make(map[string]bool))
}

// readWhole reads a text that is one document, and nothing behind it.
func (r request) readWhole(text io.Reader) (*docjson.Parsed, error) {
	json := docjson.NewReader(text)
	doc, err := json.Document(r.documentOptions())
	if endErr := json.End(); endErr != nil {
		if err == nil {
			doc.Discard()
		}
		return nil, endErr // malformed JSON is told before a bad document
	}
	return doc, err
}

// documentOptions says how a client's documents are read here.
func (r request) documentOptions() docjson.Options {
	return docjson.Options{MaxBody: r.Limits().MaxDocumentSize, StoreLike: r.storeLike, Uploads: true}
}

// store puts the content of a client's attachment into the blob store.
func (r request) store(name string, content io.Reader) (couch.Attachment, error) {
	return r.storeLike(name, couch.Digest{}, content)
}

// storeLike is store of content that has the digest, as the client says.
func (r request) storeLike(name string, digest couch.Digest, content io.Reader) (couch.Attachment, error) {
	pending, err := r.db.WriteBlobLike(r.Context(), content, r.Limits().MaxAttachmentSize, digest)
	if err != nil {
		if tooLarge, ok := errors.AsType[*couch.Error](err); ok && tooLarge.Kind == couch.AttachmentTooLarge {
			err = &couch.Error{Kind: couch.AttachmentTooLarge, Reason: name}
		}
		return couch.Attachment{}, err
	}
	return couch.Attachment{
		Name: name, Blob: pending.BlobID(), Pending: pending,
		Digest: pending.Digest(), Length: pending.Length(),
	}, nil
}

// noneFollows refuses attachments that are to come in parts of their own, where
// there are no parts.
func noneFollows(doc *docjson.Parsed) error {
	for i := range doc.Attachments {
		if a := &doc.Attachments[i]; a.Follows {
			return couch.Errorf(couch.BadRequest, "Attachment %s does not follow", a.Name)
		}
	}
	return nil
}

// asDocument makes the document that a write takes.
func asDocument(p *docjson.Parsed) *couch.Document {
	doc := &couch.Document{ID: p.ID, Deleted: p.Deleted, Revisions: p.Revisions, Body: p.Body}
	for i := range p.Attachments {
		doc.Attachments = append(doc.Attachments, p.Attachments[i].Attachment)
	}
	return doc
}

// emptyBody is the body of a document without members.
func emptyBody() couch.Body { return couch.Body{Text: []byte("{}")} }
