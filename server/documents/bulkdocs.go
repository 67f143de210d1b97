package documents

import (
	"cmp"
	"net/http"
	"slices"

	"settle/server/web"
	"settle/storage/couch"
	"settle/storage/docjson"
)

// bulkDocs answers POST /{db}/_bulk_docs: a batch of interactive edits, or with
// new_edits=false of revisions that a peer has. Its documents go on to the database as
// they come. Anything malformed refuses the whole batch; a conflict refuses its
// document alone.
func (r request) bulkDocs() error {
	json, err := r.openObject()
	if err != nil {
		return err
	}
	b := &batch{r: r, json: json, uploads: make(map[string]bool), interactive: true, left: maxBatch, locals: maxLocals}
	results, err := r.db.Bulk(r.Context(), b.documents(), b.isReplicated)
	switch {
	case b.refusesAtomic:
		return r.refuseAtomic(b.docs)
	case err != nil:
		return err
	}
	return r.answerBatch(b.rows(results), b.interactive)
}

// batchRow is what became of a document of a batch.
type batchRow struct {
	id  couch.DocID
	rev string
	err error // why it was refused
}

// rows returns what became of the batch, of which the database has written its part.
// Local documents are not part of that; they are written here.
func (b *batch) rows(results []couch.WriteResult) []batchRow {
	rows := make([]batchRow, len(b.docs))
	for i, d := range b.docs {
		if d.local != nil {
			s, err := b.r.saveLocal(d.local, !b.interactive)
			rows[i] = batchRow{id: d.id, rev: s.rev, err: err}
			continue
		}
		res := results[0]
		results = results[1:]
		rows[i] = batchRow{id: res.ID, rev: res.Rev.String(), err: res.Err}
	}
	return rows
}

// answerBatch answers with a row for each document of interactive edits, and with
// the refused ones only of replicated ones, in the order of their ids.
func (r request) answerBatch(rows []batchRow, interactive bool) error {
	if !interactive {
		slices.SortStableFunc(rows, func(a, b batchRow) int { return cmp.Compare(a.id, b.id) })
	}
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
	_, name, _ := web.Describe(row.err)
	dst = docjson.AppendString(append(dst, `{"id":`...), string(row.id))
	if row.rev != "" {
		dst = docjson.AppendString(append(dst, `,"rev":`...), row.rev)
	}
	dst = docjson.AppendString(append(dst, `,"error":`...), name)
	return append(web.AppendReason(append(dst, `,"reason":`...), row.err), '}')
}

// refuseAtomic answers a batch that is to be written as a whole or not at all:
// like CouchDB's, the server does not do that.
func (r request) refuseAtomic(docs []received) error {
	list := r.NewList("[", ",")
	list.SetStatus(http.StatusExpectationFailed)
	for _, d := range docs {
		row := batchRow{id: d.id, rev: d.rev.String(), err: errAtomic}
		if err := list.Item(appendRefusal(nil, row)); err != nil {
			return err
		}
	}
	return list.Close("]\n")
}
