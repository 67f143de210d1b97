package documents

import (
	"bytes"

	"settle/storage/couch"
	"settle/storage/docjson"
)

// batch is the body of a _bulk_docs request.
type batch struct {
	r           request
	docs        []*docjson.Parsed
	hasDocs     bool
	interactive bool
	atomic      bool
	refusal     error // what is wrong with the batch, malformed JSON apart
	left        budget
}

func (b *batch) discard() {
	for _, d := range b.docs {
		d.Discard()
	}
}

// refuse notes the first thing that is wrong. The rest is read nevertheless:
// malformed JSON is told before anything else.
func (b *batch) refuse(err error) {
	if b.refusal == nil {
		b.refusal = err
	}
}

func (b *batch) read(json *docjson.Reader) error {
	for name, err := range json.Members() {
		if err != nil {
			return err
		}
		switch name {
		case "docs":
			err = b.readDocs(json)
		case "new_edits":
			err = b.readNewEdits(json)
		case "all_or_nothing":
			var text []byte
			text, err = json.Value()
			b.atomic = string(text) == "true"
		}
		if err != nil {
			return err
		}
	}
	return json.End()
}

func (b *batch) readNewEdits(json *docjson.Reader) error {
	text, err := json.Value()
	switch string(text) {
	case "true", "false":
		b.interactive = string(text) == "true"
	default:
		b.refuse(couch.Errorf(couch.BadRequest, "`new_edits` must be a boolean."))
	}
	return err
}

// readDocs reads the documents. A second list replaces the first.
func (b *batch) readDocs(json *docjson.Reader) error {
	b.discard()
	b.docs, b.left, b.hasDocs = nil, maxBatch, true
	if kind, err := json.Kind(); err != nil {
		return err
	} else if kind != docjson.Array {
		b.refuse(couch.Errorf(couch.BadRequest, "`docs` parameter must be an array."))
		return json.Skip()
	}
	for _, err := range json.Elements() {
		if err != nil {
			return err
		}
		o := b.r.documentOptions()
		if b.refusal != nil {
			o.Store = nil
		}
		doc, err := json.Document(o)
		if err != nil {
			b.refuse(err) // where it ends the reading, the loop sees it next
			continue
		}
		if err := b.add(doc); err != nil {
			return err
		}
	}
	return nil
}

func (b *batch) add(doc *docjson.Parsed) error {
	if b.refusal != nil {
		doc.Discard()
		return nil
	}
	b.docs = append(b.docs, doc)
	// A small document has been read into a larger buffer.
	doc.Body.Text, doc.Body.Term = bytes.Clone(doc.Body.Text), bytes.Clone(doc.Body.Term)
	size := perDocument*(1+len(doc.Attachments)) + perRev*len(doc.Revisions.Hashes)
	return b.left.keep(size + len(doc.Body.Text) + len(doc.Body.Term))
}

// documents judges the whole and returns what is to be written.
func (b *batch) documents() ([]*couch.Document, error) {
	switch {
	case !b.hasDocs:
		return nil, couch.Errorf(couch.BadRequest, "POST body must include `docs` parameter.")
	case b.refusal != nil:
		return nil, b.refusal
	}
	docs := make([]*couch.Document, 0, len(b.docs))
	for _, parsed := range b.docs {
		if err := b.check(parsed); err != nil {
			return nil, err
		}
		docs = append(docs, asDocument(parsed))
	}
	return docs, nil
}

func (b *batch) check(doc *docjson.Parsed) error {
	if !doc.HasID {
		doc.ID = newDocID()
	}
	if !b.interactive && len(doc.Revisions.Hashes) == 0 {
		return errNoRev
	}
	if doc.ID.IsLocal() {
		if _, err := givenLocalRev(doc.Revisions); err != nil {
			return err
		}
	}
	if err := b.r.checkID(doc.ID); err != nil {
		return err
	}
	return noneFollows(doc)
}
