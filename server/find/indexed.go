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
	index, ref, err := f.open(ctx, db, p.Index)
	if err != nil {
		return nil, err
	}
	q := queryOf(p.Query, p.Keys, behind)
	if !p.Query.Update || p.Query.Stale {
		q.Update = view.UpdateFalse
	}
	return index.Query(ctx, ref, q)
}

// open returns the view that an index is. The error is ErrNotFound where it was removed
// since the plan was made.
func (f *Find) open(ctx context.Context, db Database, x *mango.Index) (*view.Index, view.Ref, error) {
	doc, err := db.Get(ctx, x.Design, couch.GetOptions{})
	if err != nil {
		return nil, view.Ref{}, err
	}
	definition, refs := view.ParseDesign(doc.Body.Text, db.Partitioned())
	ref, ok := refs[x.Name]
	if !ok {
		return nil, ref, couch.ErrNotFound
	}
	index, err := f.indexes.Open(db.Whole(), definition, doc.ID)
	return index, ref, err
}

// maxUnread is of how many changes an index may not know yet, to be estimated.
const maxUnread = 1000

// estimate tells how many rows indexes have in the ranges of a query, of those that need
// not be brought up to date for long.
func (f *Find) estimate(ctx context.Context, db Database, q *mango.Query) mango.Estimate {
	return func(x *mango.Index, keys mango.Keys) (int64, bool) {
		index, ref, err := f.open(ctx, db, x)
		if err != nil {
			return 0, false
		}
		info, err := index.Info(ctx)
		if err != nil || info.Pending > maxUnread {
			return 0, false
		}
		asked := queryOf(q, keys, nil)
		asked.Update = view.UpdateFalse
		rows, err := index.Count(ctx, ref, asked)
		return rows, err == nil
	}
}

// queryOf puts a range, from behind a bookmark on, in the terms of the index.
func queryOf(query *mango.Query, keys mango.Keys, behind *mango.Bookmark) *view.Query {
	mapped := false
	q := &view.Query{
		Start: keys.AppendLow(nil), End: keys.AppendHigh(nil),
		Descending: query.Sort.Descending, Limit: -1, Reduce: &mapped, Partition: query.Partition, Uncounted: true,
	}
	if q.Descending {
		q.Start, q.End = q.End, q.Start
	}
	if behind != nil {
		q.Start, q.StartDoc = behind.Key, &behind.ID
	}
	return q
}
