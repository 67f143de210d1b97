package documents

import (
	"bytes"
	"net/http"

	"settle/server/web"
	"settle/storage/couch"
	"settle/storage/docjson"
)

// bulkDocs answers POST /{db}/_bulk_docs: a batch of interactive edits, or with
// new_edits=false of revisions that a peer has. Anything malformed refuses the
// whole batch; a conflict refuses its document alone.
func (r request) bulkDocs() error {
	json, err := r.openObject()
	if err != nil {
		return err
	}
	b := &batch{r: r, interactive: true, left: maxBatch}
	defer b.discard()
	if err := b.read(json); err != nil {
		return err
	}
	docs, err := b.documents()
	switch {
	case err != nil:
		return err
	case b.atomic && b.interactive && len(docs) > 0:
		return r.refuseAtomic(docs)
	}
	rows, err := r.saveBatch(docs, b.interactive)
	if err != nil {
		return err
	}
	return r.answerBatch(rows, b.interactive)
}

// batchRow is what became of a document of a batch.
type batchRow struct {
	id  couch.DocID
	rev string
	err error // why it was refused
}

// saveBatch writes a batch. Local documents are not part of its transaction; they
// are written once the others are.
func (r request) saveBatch(docs []*couch.Document, interactive bool) ([]batchRow, error) {
	write := r.db.BulkDocs
	if !interactive {
		write = r.db.PutRevs
	}
	rows := make([]batchRow, len(docs))
	results, err := write(r.Context(), func(yield func(*couch.Document, error) bool) {
		for _, d := range docs {
			if !d.ID.IsLocal() && !yield(d, nil) {
				return
			}
		}
	})
	if err != nil {
		return nil, err
	}
	for i, d := range docs {
		if d.ID.IsLocal() {
			s, err := r.saveLocal(d, !interactive)
			rows[i] = batchRow{id: d.ID, rev: s.rev, err: err}
			continue
		}
		res := results[0]
		results = results[1:]
		rows[i] = batchRow{id: res.ID, rev: res.Rev.String(), err: res.Err}
	}
	return rows, nil
}

// answerBatch answers with a row for each document of interactive edits, and with
// the refused ones only of replicated ones.
func (r request) answerBatch(rows []batchRow, interactive bool) error {
	list := r.NewList("[", ",")
	list.SetStatus(http.StatusCreated)
	for _, row := range rows {
		var text []byte
		switch {
		case row.err != nil && interactive:
			text = appendRefusal(nil, batchRow{id: row.id, err: row.err})
		case row.err != nil:
			text = appendRefusal(nil, row)
		case interactive:
			text = appendSaved(nil, row.id, row.rev)
		default:
			continue
		}
		if err := list.Item(text); err != nil {
			return err
		}
	}
	return list.Close("]\n")
}

// appendRefusal appends {"id":..,"rev":..,"error":..,"reason":..}, without rev
// where the row has none.
func appendRefusal(dst []byte, row batchRow) []byte {
	_, name, reason := web.Describe(row.err)
	dst = docjson.AppendString(append(dst, `{"id":`...), string(row.id))
	if row.rev != "" {
		dst = docjson.AppendString(append(dst, `,"rev":`...), row.rev)
	}
	dst = docjson.AppendString(append(dst, `,"error":`...), name)
	return append(docjson.AppendString(append(dst, `,"reason":`...), reason), '}')
}

// refuseAtomic answers a batch that is to be written as a whole or not at all:
// like CouchDB's, the server does not do that.
func (r request) refuseAtomic(docs []*couch.Document) error {
	refusal := couch.Errorf(couch.NotImplemented, "all_or_nothing is not supported")
	list := r.NewList("[", ",")
	list.SetStatus(http.StatusExpectationFailed)
	for _, d := range docs {
		row := batchRow{id: d.ID, rev: d.Rev().String(), err: refusal}
		if err := list.Item(appendRefusal(nil, row)); err != nil {
			return err
		}
	}
	return list.Close("]\n")
}

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
