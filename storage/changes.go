package storage

import (
	"context"
	"iter"
	"slices"

	"settle/storage/couch"
	"settle/storage/kv"
	"settle/storage/schema"
)

// Changes yields the rows of the changes feed that the options choose: of every
// document its newest change, each once, in the order of their sequences. It
// reads in pages and holds nothing between two of them. A document that changes
// while the rows are read may come at its new place instead of its old one.
func (db *Database) Changes(ctx context.Context, o couch.ChangesOptions) iter.Seq2[couch.Change, error] {
	return func(yield func(couch.Change, error) bool) {
		rows := db.allChanges(ctx, o)
		if o.DocIDs != nil {
			rows = db.changesOf(ctx, o)
		}
		left := o.Limit
		for page, err := range batched(rows, docsPerView) {
			if err == nil && o.IncludeDocs {
				err = db.attachDocs(ctx, page, o)
			}
			if err != nil {
				yield(couch.Change{}, err)
				return
			}
			for _, change := range page {
				if !yield(change, nil) {
					return
				}
				if left--; left == 0 {
					return
				}
			}
		}
	}
}

// docsPerView bounds how many bodies one View reads.
const docsPerView = 100

// batched groups what seq yields into slices of up to n. An error comes alone,
// behind what was yielded in front of it.
func batched[T any](seq iter.Seq2[T, error], n int) iter.Seq2[[]T, error] {
	return func(yield func([]T, error) bool) {
		var page []T
		for v, err := range seq {
			if err != nil {
				if len(page) == 0 || yield(page, nil) {
					yield(nil, err)
				}
				return
			}
			if page = append(page, v); len(page) == n {
				if !yield(page, nil) {
					return
				}
				page = nil
			}
		}
		if len(page) > 0 {
			yield(page, nil)
		}
	}
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
		for page := range slices.Chunk(slices.Compact(ids), kv.PageRows) {
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
		rows, err := r.GetMulti(ctx, docKeys(ids)...)
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

func docKeys(ids []couch.DocID) [][]byte {
	keys := make([][]byte, len(ids))
	for i, id := range ids {
		keys[i] = schema.DocKey(id)
	}
	return keys
}

// attachDocs reads the documents of a page of changes, at the revision that the
// change names first.
func (db *Database) attachDocs(ctx context.Context, page []couch.Change, o couch.ChangesOptions) error {
	asks := make([]docAsk, len(page))
	for i, c := range page {
		asks[i] = docAsk{c.ID, c.Revs[0]}
	}
	docs, err := db.readDocs(ctx, asks, o.Doc)
	for i := range docs {
		page[i].Doc = docs[i]
	}
	return err
}
