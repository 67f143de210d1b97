package view

import (
	"bytes"
	"context"
	"iter"
	"slices"

	"settle/storage/collate/jsonscan"
	"settle/storage/kv"
	"settle/storage/schema"
	"settle/storage/view/redtree"
	"settle/storage/view/reduction"
	"settle/storage/view/viewrow"
)

// reduced yields the rows of a query that reduces.
func (s *snapshot) reduced(ctx context.Context, q *Query) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		ranges, err := s.ranges(q)
		if err != nil {
			yield(Row{}, err)
			return
		}
		w := groupWalk{snapshot: s, q: q, skip: q.Skip, left: q.Limit, yield: yield}
		for _, b := range ranges {
			if w.left == 0 || !w.over(ctx, b) {
				return
			}
		}
	}
}

// groupWalk yields groups.
type groupWalk struct {
	*snapshot
	q          *Query
	skip, left int64
	yield      func(Row, error) bool
}

// over yields the groups of a range. It reports whether more are wanted.
func (w *groupWalk) over(ctx context.Context, b redtree.Span) bool {
	level, grouped := w.q.grouped()
	if !grouped {
		_, more := w.emitSpan(ctx, nil, b)
		return more
	}
	limit := fewRows
	for b.Lo == nil || b.Hi == nil || bytes.Compare(b.Lo, b.Hi) < 0 {
		page, more, err := w.page(ctx, b, limit)
		if err != nil {
			w.yield(Row{}, err)
			return false
		}
		if len(page) == 0 {
			return true
		}
		limit = min(max(limit*2, fewRows), kv.PageRows)
		for len(page) > 0 {
			g := w.group(page, level)
			page = page[len(g.rows):]
			wanted := true
			if long := len(page) == 0 && more; long {
				limit, wanted = w.emitLong(ctx, g, b)
			} else {
				wanted = w.emitRows(ctx, g)
			}
			if !wanted {
				return false
			}
			b = w.behind(g, b)
		}
		if !more {
			return true
		}
	}
	return true
}

// fewRows is how many rows are read to see whether groups are long. Behind a group
// that was longer only one is read: the next one will be long too.
const fewRows = 100

// page reads the first rows of a range, in the order of reading.
func (w *groupWalk) page(ctx context.Context, b redtree.Span, limit int) (page []viewrow.Row, more bool, err error) {
	size := 0
	for row, err := range w.rowsOf(ctx, b, w.q.Descending, 0, int64(limit)) {
		if err != nil {
			return nil, false, err
		}
		page = append(page, row)
		if size += len(row.Key) + len(row.Value); len(page) == limit || size >= kv.PageBytes {
			return page, true, nil
		}
	}
	return page, false, nil
}

// group is rows that are reduced together.
type group struct {
	key    []byte // JSON
	prefix []byte // what the keys of its rows begin with
	rows   []viewrow.Row
}

// group takes the first group off a page. Its key is that of its first row.
func (w *groupWalk) group(page []viewrow.Row, level int64) group {
	first := page[0]
	g := group{key: first.Key, prefix: first.Stem}
	if level >= 0 {
		g.key, g.prefix = w.truncate(first, level)
	}
	n := 1
	for n < len(page) && bytes.HasPrefix(page[n].Stem, g.prefix) {
		n++
	}
	g.rows = page[:n]
	return g
}

// truncate returns the first elements of a row's key, and the beginning that the keys
// of all rows have with them.
func (w *groupWalk) truncate(row viewrow.Row, level int64) (key, prefix []byte) {
	if jsonscan.KindOf(row.Key) != jsonscan.Array {
		return row.Key, row.Stem
	}
	out := []byte{'['}
	n := int64(0)
	for rest := range jsonscan.Elements(row.Key) {
		if n == level {
			break
		}
		if n++; n > 1 {
			out = append(out, ',')
		}
		out = append(out, jsonscan.Value(rest)...)
	}
	out = append(out, ']')
	if n < level {
		return row.Key, row.Stem
	}
	prefix, err := w.keys.Prefix(w.q.Partition, out)
	if err != nil {
		return row.Key, row.Stem
	}
	return out, prefix[:len(prefix)-1] // without the array's end
}

// emit yields what the rows of a group come to: nothing where there are none. It
// reports whether more is wanted.
func (w *groupWalk) emit(ctx context.Context, key, state []byte, err error) bool {
	var result reduction.Result
	switch {
	case err != nil:
	case state == nil:
		return true
	case w.skip > 0:
		w.skip--
		return true
	default:
		result, err = w.ix.reducers[w.ref.View][w.ref.Reduce].Finish(ctx, state)
	}
	if result.Error != "" {
		key = nil // as CouchDB prints it
	}
	if !w.yield(Row{Key: key, Value: result.Value, Error: result.Error, Reason: result.Reason}, err) || err != nil {
		return false
	}
	w.left--
	return w.left != 0
}

// emitSpan yields a group whose rows are in a span, and returns how many they are,
// where it has not skipped them.
func (w *groupWalk) emitSpan(ctx context.Context, key []byte, in redtree.Span) (rows int64, more bool) {
	rows, state, err := w.reduce(ctx, in)
	if rows > 0 && state == nil {
		state = []byte{}
	}
	return rows, w.emit(ctx, key, state, err)
}

// emitRows yields a group all of whose rows are there.
func (w *groupWalk) emitRows(ctx context.Context, g group) bool {
	if w.skip > 0 {
		w.skip--
		return true
	}
	rows := make([]reduction.Row, len(g.rows))
	for i, row := range g.rows {
		rows[i] = reduction.Row{Key: row.Key, Value: row.Value, ID: row.ID}
	}
	if w.q.Descending {
		slices.Reverse(rows)
	}
	state, err := w.ix.reducers[w.ref.View][w.ref.Reduce].Reduce(ctx, rows)
	if state == nil {
		state = []byte{}
	}
	return w.emit(ctx, g.key, state, err)
}

// emitLong yields a group that may have more rows than those that were read, and says
// how many rows to read next.
func (w *groupWalk) emitLong(ctx context.Context, g group, b redtree.Span) (limit int, more bool) {
	if w.skip > 0 {
		w.skip--
		return 1, true
	}
	in := redtree.Span{Lo: g.prefix, Hi: schema.PrefixEnd(g.prefix), Long: len(g.rows) == 1 || len(g.rows) > fewRows}
	if b.Lo != nil && bytes.Compare(in.Lo, b.Lo) < 0 {
		in.Lo = b.Lo
	}
	if b.Hi != nil && (in.Hi == nil || bytes.Compare(in.Hi, b.Hi) > 0) {
		in.Hi = b.Hi
	}
	rows, more := w.emitSpan(ctx, g.key, in)
	if rows <= fewRows {
		return fewRows, more
	}
	return 1, more
}

// behind returns what is left of a range behind a group.
func (w *groupWalk) behind(g group, b redtree.Span) redtree.Span {
	if w.q.Descending {
		b.Hi = g.prefix
	} else {
		b.Lo = schema.PrefixEnd(g.prefix)
	}
	return b
}
