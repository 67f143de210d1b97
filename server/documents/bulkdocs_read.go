package documents

import (
	"bytes"
	"cmp"
	"errors"
	"iter"

	"settle/storage/couch"
	"settle/storage/docjson"
)

// batch is the body of a _bulk_docs request, while it is read.
type batch struct {
	r    request
	json *docjson.Reader
	docs []received

	left   budget // of docs
	locals budget

	uploads map[string]bool // that documents have named

	interactive   bool
	atomic        bool
	hasDocs       bool
	refusesAtomic bool // the batch was to be atomic

	// What is wrong, malformed JSON apart: it is told before anything else, so
	// that the rest is read nevertheless.
	badDocs     error // the member docs is no list, or not the only one
	badNewEdits error
	badDoc      error // the document behind docs is refused; those after it are dropped
	lacksRev    bool  // one of docs, or the one behind, does not say its revision
}

// received is a document of a batch.
type received struct {
	id    couch.DocID
	rev   couch.RevID
	local *couch.Document // nil: it went to the database
}

var (
	errEnough       = errors.New("no more documents are wanted")
	errAtomic       = &couch.Error{Kind: couch.NotImplemented, Reason: "all_or_nothing is not supported"}
	errNoDocs       = &couch.Error{Kind: couch.BadRequest, Reason: "POST body must include `docs` parameter."}
	errDocsNoArray  = &couch.Error{Kind: couch.BadRequest, Reason: "`docs` parameter must be an array."}
	errDocsTwice    = &couch.Error{Kind: couch.BadRequest, Reason: "`docs` parameter must not be given twice."}
	errNewEditsKind = &couch.Error{Kind: couch.BadRequest, Reason: "`new_edits` must be a boolean."}
)

// documents yields the documents that go to the database, until the body ends. Whoever
// takes one owns its new contents. The error is about the JSON, or that of the blob
// store; of all else isReplicated tells.
func (b *batch) documents() iter.Seq2[*couch.Document, error] {
	return func(yield func(*couch.Document, error) bool) {
		err := b.read(func(doc *couch.Document) bool { return yield(doc, nil) })
		if err != nil && err != errEnough {
			yield(nil, err)
		}
	}
}

func (b *batch) read(yield func(*couch.Document) bool) error {
	for name, err := range b.json.Members() {
		if err != nil {
			return err
		}
		switch name {
		case "docs":
			err = b.readDocs(yield)
		case "new_edits":
			err = b.readNewEdits()
		case "all_or_nothing":
			var text []byte
			text, err = b.json.Value()
			b.atomic = string(text) == "true"
		}
		if err != nil {
			return err
		}
	}
	return b.json.End()
}

func (b *batch) readNewEdits() error {
	text, err := b.json.Value()
	b.badNewEdits = nil
	switch string(text) {
	case "true", "false":
		b.interactive = string(text) == "true"
	default:
		b.badNewEdits = errNewEditsKind
	}
	return err
}

// readDocs reads the documents. A second list would come when the first is on its way.
func (b *batch) readDocs(yield func(*couch.Document) bool) error {
	if b.hasDocs {
		b.badDocs = cmp.Or(b.badDocs, error(errDocsTwice))
		return b.json.Skip()
	}
	b.hasDocs = true
	if kind, err := b.json.Kind(); err != nil {
		return err
	} else if kind != docjson.Array {
		b.badDocs = errDocsNoArray
		return b.json.Skip()
	}
	for _, err := range b.json.Elements() {
		if err != nil {
			return err
		}
		if err := b.readDocument(yield); err != nil {
			return err
		}
	}
	return nil
}

// readDocument reads one document. Once one is bad those after it are only looked at
// for malformed JSON.
func (b *batch) readDocument(yield func(*couch.Document) bool) error {
	o := b.r.documentOptions()
	if b.badDoc != nil {
		o.StoreLike = nil
	}
	doc, err := b.json.Document(o)
	switch {
	case b.badDoc != nil:
		if err == nil {
			doc.Discard()
		}
		return nil // where the error ends the reading, the loop sees it next
	case err != nil:
		b.badDoc = err
		return nil
	}
	b.lacksRev = b.lacksRev || len(doc.Revisions.Hashes) == 0
	if b.badDoc = b.check(doc); b.badDoc != nil {
		doc.Discard()
		return nil
	}
	return b.add(doc, yield)
}

// add takes a document that is in order so far.
func (b *batch) add(parsed *docjson.Parsed, yield func(*couch.Document) bool) error {
	doc := asDocument(parsed)
	// A small document has been read into a larger buffer.
	doc.Body.Text, doc.Body.Term = bytes.Clone(doc.Body.Text), bytes.Clone(doc.Body.Term)
	entry := received{id: doc.ID, rev: doc.Rev()}
	if err := b.left.keep(perDocument); err != nil {
		parsed.Discard()
		return err
	}
	if doc.ID.IsLocal() {
		parsed.Discard() // a local document has no attachments
		doc.Body.Term, doc.Attachments = nil, nil
		entry.local = doc
		b.docs = append(b.docs, entry)
		return b.locals.keep(perDocument + len(doc.Body.Text))
	}
	b.docs = append(b.docs, entry)
	if !yield(doc) {
		return errEnough
	}
	return nil
}

// isReplicated judges the whole, when it has been read. Of the documents the first one
// that is bad counts.
func (b *batch) isReplicated() (bool, error) {
	switch {
	case !b.hasDocs:
		return false, errNoDocs
	case b.badDocs != nil:
		return false, b.badDocs
	case b.badNewEdits != nil:
		return false, b.badNewEdits
	case b.lacksRev && !b.interactive:
		return false, errNoRev
	case b.badDoc != nil:
		return false, b.badDoc
	case b.atomic && b.interactive && len(b.docs) > 0:
		b.refusesAtomic = true
		return false, errAtomic
	}
	return !b.interactive, nil
}

func (b *batch) check(doc *docjson.Parsed) error {
	if !doc.HasID {
		doc.ID = newDocID()
	}
	if doc.ID.IsLocal() {
		if _, err := doc.Revisions.LocalRev(); err != nil {
			return err
		}
	}
	if err := b.r.checkID(doc.ID); err != nil {
		return err
	}
	if err := noneFollows(doc); err != nil {
		return err
	}
	return b.r.takeUploads(doc, b.uploads)
}
