package documents

import (
	"bytes"
	"cmp"

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
	left        budget

	// What is wrong, malformed JSON apart: it is told before anything else, so
	// that the rest is read nevertheless.
	badDocs     error // the member docs is no list
	badNewEdits error
	badDoc      error // the document behind docs is refused; those after it are dropped
}

func (b *batch) discard() {
	for _, d := range b.docs {
		d.Discard()
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
	b.badNewEdits = nil
	switch string(text) {
	case "true", "false":
		b.interactive = string(text) == "true"
	default:
		b.badNewEdits = couch.Errorf(couch.BadRequest, "`new_edits` must be a boolean.")
	}
	return err
}

// readDocs reads the documents. A second list replaces the first.
func (b *batch) readDocs(json *docjson.Reader) error {
	b.discard()
	b.docs, b.left, b.hasDocs = nil, maxBatch, true
	b.badDocs, b.badDoc = nil, nil
	if kind, err := json.Kind(); err != nil {
		return err
	} else if kind != docjson.Array {
		b.badDocs = couch.Errorf(couch.BadRequest, "`docs` parameter must be an array.")
		return json.Skip()
	}
	for _, err := range json.Elements() {
		if err != nil {
			return err
		}
		o := b.r.documentOptions()
		if b.badDoc != nil {
			o.Store = nil
		}
		doc, err := json.Document(o)
		if err != nil {
			b.badDoc = cmp.Or(b.badDoc, err) // where it ends the reading, the loop sees it next
			continue
		}
		if err := b.add(doc); err != nil {
			return err
		}
	}
	return nil
}

func (b *batch) add(doc *docjson.Parsed) error {
	if b.badDoc != nil {
		doc.Discard()
		return nil
	}
	b.docs = append(b.docs, doc)
	// A small document has been read into a larger buffer.
	doc.Body.Text, doc.Body.Term = bytes.Clone(doc.Body.Text), bytes.Clone(doc.Body.Term)
	size := perDocument*(1+len(doc.Attachments)) + perRev*len(doc.Revisions.Hashes)
	return b.left.keep(size + len(doc.Body.Text) + len(doc.Body.Term))
}

// documents judges the whole and returns what is to be written. Of the documents
// the first one that is bad counts.
func (b *batch) documents() ([]*couch.Document, error) {
	switch {
	case !b.hasDocs:
		return nil, couch.Errorf(couch.BadRequest, "POST body must include `docs` parameter.")
	case b.badDocs != nil:
		return nil, b.badDocs
	case b.badNewEdits != nil:
		return nil, b.badNewEdits
	}
	docs := make([]*couch.Document, 0, len(b.docs))
	for _, parsed := range b.docs {
		if err := b.check(parsed); err != nil {
			return nil, err
		}
		docs = append(docs, asDocument(parsed))
	}
	return docs, b.badDoc
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
