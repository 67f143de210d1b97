package storage

import (
	"context"
	"iter"
	"slices"

	"settle/storage/couch"
	"settle/storage/kv"
	"settle/storage/schema"
	"settle/storage/seqs"
)

// Changes yields the rows of the changes feed that the options choose: of every
// document its newest change, each once, in the order of their sequences. It
// reads in pages and holds nothing between two of them. A document that changes
// while the rows are read may come at its new place instead of its old one.
//
// In descending order a document that changes meanwhile may not come at all: its
// new place has been passed by then.
func (db *Database) Changes(ctx context.Context, o couch.ChangesOptions) iter.Seq2[couch.Change, error] {
	rows := db.allChanges(ctx, o)
	if o.DocIDs != nil {
		rows = seqs.Limited(db.changesOf(ctx, o), o.Limit)
	}
	if !o.IncludeDocs {
		return rows
	}
	return join[couch.Change]{
		db: db, o: o.Doc,
		ask: func(c couch.Change) (docAsk, bool) { return docAsk{c.ID, c.Revs[0]}, true },
		set: func(c *couch.Change, d *couch.Document) { c.Doc = d },
	}.rows(ctx, rows)
}

func (db *Database) allChanges(ctx context.Context, o couch.ChangesOptions) iter.Seq2[couch.Change, error] {
	r := kv.Range{Lo: schema.SeqKey(o.Since + 1), Hi: schema.All(schema.KindSeq).Hi, Reverse: o.Descending, Limit: o.Limit}
	return func(yield func(couch.Change, error) bool) {
		for row, err := range kv.Pages(ctx, db.reader, r) {
			var change couch.Change
			if err == nil {
				change, err = decodeChange(row, o.AllLeaves)
			}
			if !yield(change, err) || err != nil {
				return
			}
		}
	}
}

func decodeChange(row kv.KV, allLeaves bool) (couch.Change, error) {
	s, err := schema.DecodeSeqRow(row.Value)
	seq, ok := schema.ParseSeqKey(row.Key)
	if err != nil || !ok {
		return couch.Change{}, schema.Corrupt("sequence row")
	}
	return changeOf(s, seq, allLeaves), nil
}

// changeOf makes what the feed says of a row of by-seq.
func changeOf(row *schema.SeqRow, seq couch.Seq, allLeaves bool) couch.Change {
	revs := row.Leaves
	if !allLeaves {
		revs = revs[:1]
	}
	return couch.Change{Seq: seq, ID: row.ID, Deleted: row.Deleted, Revs: revs}
}

// changesOf looks the documents up by their ids, instead of reading the feed.
func (db *Database) changesOf(ctx context.Context, o couch.ChangesOptions) iter.Seq2[couch.Change, error] {
	return func(yield func(couch.Change, error) bool) {
		ids := slices.Clone(o.DocIDs)
		slices.Sort(ids)
		var found []couch.Change
		for page := range slices.Chunk(slices.Compact(ids), rowsPerView) {
			changes, err := db.lookUpChanges(ctx, page, o)
			if err != nil {
				yield(couch.Change{}, err)
				return
			}
			found = append(found, changes...)
		}
		slices.SortFunc(found, func(a, b couch.Change) int { return int(int64(a.Seq) - int64(b.Seq)) })
		if o.Descending {
			slices.Reverse(found)
		}
		for _, change := range found {
			if !yield(change, nil) {
				return
			}
		}
	}
}

func (db *Database) lookUpChanges(ctx context.Context, ids []couch.DocID, o couch.ChangesOptions) ([]couch.Change, error) {
	var found []couch.Change
	err := db.view(ctx, func(r kv.Reader, _ *schema.Meta) error {
		found = nil
		rows, err := r.GetMulti(ctx, schema.DocKeys(ids)...)
		if err != nil {
			return err
		}
		for i, row := range rows {
			if row == nil {
				continue
			}
			doc, err := schema.DecodeDocRow(row)
			if err != nil {
				return err
			}
			if doc.Seq > o.Since {
				found = append(found, changeOf(schema.NewSeqRow(ids[i], doc.Tree), doc.Seq, o.AllLeaves))
			}
		}
		return nil
	})
	return found, err
}
