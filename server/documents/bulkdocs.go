package documents

import (
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
