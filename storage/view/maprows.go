package view

import (
	"context"
	"iter"

	"settle/storage/kv"
	"settle/storage/view/redtree"
	"settle/storage/view/viewrow"
)

// mapped returns the rows of a query that does not reduce, and how many rows of the
// view are in front of the first. As in CouchDB that is the number of all rows where
// the range has none.
func (s *snapshot) mapped(ctx context.Context, q *Query) (offset int64, rows iter.Seq2[Row, error], err error) {
	ranges, err := s.ranges(q)
	if err != nil {
		return 0, nil, err
	}
	total := s.rows()
	offset = total
	if q.Uncounted && q.Skip < seekSkip {
		return 0, s.scan(ctx, q, ranges, 0), nil
	}
	for _, b := range ranges {
		inside, err := s.count(ctx, b)
		if err != nil {
			return 0, nil, err
		}
		if inside == 0 {
			continue
		}
		if offset, err = s.inFront(ctx, b, inside, q.Descending); err != nil {
			return 0, nil, err
		}
		break
	}
	return min(total, offset+min(q.Skip, total)), s.scan(ctx, q, ranges, offset), nil
}

// ranges returns where the rows of a query are, in the order of the answer.
func (s *snapshot) ranges(q *Query) ([]redtree.Span, error) {
	if q.Keys == nil {
		b, err := span(s.keys, q)
		return []redtree.Span{b}, err
	}
	out := make([]redtree.Span, len(q.Keys))
	for i, key := range q.Keys {
		var err error
		if out[i], err = s.keys.Of(q.Partition, key); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// inFront returns how many rows there are in front of a range that has so many.
func (s *snapshot) inFront(ctx context.Context, b redtree.Span, inside int64, descending bool) (int64, error) {
	if !descending {
		if b.Lo == nil {
			return 0, nil
		}
		return s.count(ctx, redtree.Span{Hi: b.Lo})
	}
	if b.Hi == nil {
		return 0, nil
	}
	below, err := s.count(ctx, redtree.Span{Hi: b.Lo})
	if b.Lo == nil {
		below = 0
	}
	return max(0, s.rows()-below-inside), err
}

// seekSkip is from how many rows on a skip is looked up instead of read.
const seekSkip = 200

// scan yields rows of ranges, one range behind the other. offset is that of the first
// row of a single range.
func (s *snapshot) scan(ctx context.Context, q *Query, ranges []redtree.Span, offset int64) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		skip, left := q.Skip, q.Limit
		if left == 0 {
			return
		}
		if len(ranges) == 1 && skip >= seekSkip {
			// A skip may be as large as numbers are.
			if err := s.seek(ctx, q, &ranges[0], offset+min(skip, s.rows())); err != nil {
				yield(Row{}, err)
				return
			}
			skip = 0
		}
		for _, b := range ranges {
			for row, err := range s.rowsOf(ctx, b, q.Descending, skip, left) {
				if err == nil && skip > 0 {
					skip--
					continue
				}
				if !yield(Row{ID: row.ID, Key: row.Key, Value: row.Value}, err) || err != nil {
					return
				}
				if left--; left == 0 {
					return
				}
			}
		}
	}
}

// rowsOf yields the rows of a range, as many as are to be skipped and are left.
func (s *snapshot) rowsOf(ctx context.Context, b redtree.Span, descending bool, skip, left int64) iter.Seq2[viewrow.Row, error] {
	tree := s.tree()
	r := tree.Rows(b.Lo, b.Hi)
	if b.Lo != nil && b.Hi != nil && string(b.Lo) >= string(b.Hi) {
		return func(func(viewrow.Row, error) bool) {}
	}
	r.Reverse = descending
	if left > 0 && left < kv.PageRows-skip {
		r.Limit = int(skip + left)
	}
	return func(yield func(viewrow.Row, error) bool) {
		for row, err := range kv.Pages(ctx, s.view, r) {
			var out viewrow.Row
			if err == nil {
				out, err = viewrow.Decode(tree.CutKey(row.Key), row.Value)
			}
			if !yield(out, err) || err != nil {
				return
			}
		}
	}
}

// seek moves the beginning of a range to the row in front of which the view has n
// others, in the order of reading.
func (s *snapshot) seek(ctx context.Context, q *Query, b *redtree.Span, n int64) error {
	if n >= s.rows() {
		b.Lo, b.Hi = []byte{0}, []byte{0}
		return nil
	}
	if q.Descending {
		n = s.rows() - 1 - n
	}
	var key []byte
	var ok bool
	err := s.stable(ctx, func(t *redtree.Tree, state redtree.State) (err error) {
		key, ok, err = t.Select(ctx, state, n)
		return err
	})
	switch {
	case err != nil:
		return err
	case !ok:
		b.Lo, b.Hi = []byte{0}, []byte{0}
	case q.Descending:
		b.Hi = kv.KeyAfter(key)
	default:
		b.Lo = key
	}
	return nil
}
