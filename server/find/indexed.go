package find

import (
	"bytes"
	"context"
	"iter"

	"settle/storage/couch"
	"settle/storage/mango"
	"settle/storage/view"
)

// rows yields the rows of the index that a plan chose, in the plan's order, from behind
// a bookmark on. Unless the query says otherwise the index is brought up to date first.
func (f *Find) rows(ctx context.Context, db Database, p *mango.Plan, behind *mango.Bookmark) iter.Seq2[row, error] {
	return func(yield func(row, error) bool) {
		result, err := f.ask(ctx, db, p, behind)
		if err != nil {
			yield(row{}, err)
			return
		}
		for one, err := range result.Rows {
			if err == nil && behind != nil && one.ID == behind.ID && bytes.Equal(one.Key, behind.Key) {
				continue
			}
			if !yield(row{one.Key, one.ID}, err) || err != nil {
				return
			}
		}
	}
}

// ask queries the view that the index is.
func (f *Find) ask(ctx context.Context, db Database, p *mango.Plan, behind *mango.Bookmark) (*view.Result, error) {
	doc, err := db.Get(ctx, p.Index.Design, couch.GetOptions{})
	if err != nil {
		return nil, err
	}
	definition, refs := view.ParseDesign(doc.Body.Text, db.Partitioned())
	ref, ok := refs[p.Index.Name]
	if !ok { // removed since the plan was made
		return nil, couch.ErrNotFound
	}
	index, err := f.indexes.Open(db.Whole(), definition, doc.ID)
	if err != nil {
		return nil, err
	}
	return index.Query(ctx, ref, queryOf(p, behind))
}

// queryOf puts a plan in the terms of the index.
func queryOf(p *mango.Plan, behind *mango.Bookmark) *view.Query {
	mapped := false
	q := &view.Query{
		Start: p.Keys.AppendLow(nil), End: p.Keys.AppendHigh(nil),
		Descending: p.Query.Sort.Descending, Limit: -1, Reduce: &mapped, Partition: p.Query.Partition, Uncounted: true,
	}
	if !p.Query.Update || p.Query.Stale {
		q.Update = view.UpdateFalse
	}
	if q.Descending {
		q.Start, q.End = q.End, q.Start
	}
	if behind != nil {
		q.Start, q.StartDoc = behind.Key, &behind.ID
	}
	return q
}
