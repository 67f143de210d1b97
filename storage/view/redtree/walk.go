package redtree

import (
	"bytes"
	"context"

	"settle/storage/kv"
)

// directRows is up to how many rows a range is reduced from the rows themselves, as
// CouchDB reduces what is in one node of its tree.
const directRows = 100

// Reduce returns how many rows a span has, and what the reducer of number which makes
// of them, nil where there are none. Errors: the View's, the reducer's, of kind Corrupt.
func (t *Tree) Reduce(ctx context.Context, s State, in Span, which int) (rows int64, state []byte, err error) {
	one := *t
	one.Reducers = t.Reducers[which : which+1]
	var sum Summary
	var ok bool
	if !in.Long {
		sum, ok, err = one.reduceFew(ctx, s.View, in)
	}
	switch {
	case ok || err != nil:
	case in.Lo == nil && in.Hi == nil && s.Root.Rows > 0:
		sum, err = t.pick(s.Root.Summary, which)
	default:
		sum, err = one.reduceMany(ctx, s.View, newWalk(t, s.Root, in), which)
	}
	if err != nil || sum.Rows == 0 {
		return 0, nil, err
	}
	return sum.Rows, sum.States[0], nil
}

// pick leaves of a summary one reducer's state.
func (t *Tree) pick(s Summary, which int) (Summary, error) {
	if s.Rows == 0 {
		return Summary{}, nil
	}
	if len(s.States) != len(t.Reducers) {
		return Summary{}, errDamaged
	}
	return Summary{Rows: s.Rows, States: s.States[which : which+1]}, nil
}

// reduceMany reduces what a walk over the whole tree brings; t has the one reducer.
func (t *Tree) reduceMany(ctx context.Context, view View, w *walk, which int) (Summary, error) {
	var parts []Summary
	for !w.done {
		if err := view(ctx, w.page(ctx)); err != nil {
			return Summary{}, err
		}
		for i := range w.sums {
			var err error
			if w.sums[i], err = w.t.pick(w.sums[i], which); err != nil {
				return Summary{}, err
			}
		}
		part, err := t.reduce(ctx, 0, w.before)
		if err != nil {
			return Summary{}, err
		}
		behind, err := t.reduce(ctx, 0, w.behind)
		if err != nil {
			return Summary{}, err
		}
		parts = append(append(append(parts, part), w.sums...), behind)
	}
	return t.combine(ctx, parts)
}

// reduceFew does it where the rows are few; ok is false where they are not.
func (t *Tree) reduceFew(ctx context.Context, view View, in Span) (sum Summary, ok bool, err error) {
	rows := t.Rows(in.Lo, in.Hi)
	rows.Limit = directRows + 1
	var entries []entry
	err = view(ctx, func(r kv.Reader) error {
		entries = nil
		size := 0
		for row, err := range r.Scan(ctx, rows) {
			if err != nil {
				return err
			}
			e, err := t.decode(0, t.CutKey(row.Key), row.Value)
			if err != nil {
				return err
			}
			entries = append(entries, e)
			if size += e.size; len(entries) > directRows || size > pageBytes {
				entries = nil
				ok = false
				return nil
			}
		}
		ok = true
		return nil
	})
	if err != nil || !ok {
		return Summary{}, false, err
	}
	sum, err = t.reduce(ctx, 0, entries)
	return sum, true, err
}

// Count returns how many rows a span has. It reduces nothing. Errors: the View's, of
// kind Corrupt.
func (t *Tree) Count(ctx context.Context, s State, in Span) (int64, error) {
	if in.Lo == nil && in.Hi == nil && s.Root.Rows > 0 {
		return s.Root.Rows, nil
	}
	var total int64
	for w := newWalk(t, s.Root, in); !w.done; {
		w.counting = true
		if err := s.View(ctx, w.page(ctx)); err != nil {
			return 0, err
		}
		total += w.count
	}
	return total, nil
}

// walk goes over the entries that a range is made of: up from its first row, from
// level to level as boundaries allow, and down again to its last.
type walk struct {
	t        *Tree
	height   int
	hi       []byte // of the span
	counting bool   // only count

	level   int
	pos     []byte // where to read on
	down    bool
	pending *pending // an entry of which it is not known whether all is in the range
	done    bool

	// What the last page has brought, in this order.
	before []entry   // rows, on the way up
	sums   []Summary // of parts
	behind []entry   // rows, on the way down
	count  int64     // of all rows
	size   int
}

type pending struct {
	key []byte
	sum Summary
}

func newWalk(t *Tree, root Root, in Span) *walk {
	w := &walk{t: t, height: root.Height, hi: in.Hi, pos: in.Lo}
	if in.Lo == nil {
		w.level = w.height
	}
	return w
}

// page returns the next portion of the walk, to be run in a View.
func (w *walk) page(ctx context.Context) func(kv.Reader) error {
	start := *w
	return func(r kv.Reader) error {
		*w = start
		w.before, w.sums, w.behind, w.count, w.size = nil, nil, nil, 0, 0
		for !w.done && !w.full() {
			if err := w.scan(ctx, r); err != nil {
				return err
			}
		}
		return nil
	}
}

func (w *walk) full() bool {
	return w.size >= pageBytes || len(w.before)+len(w.sums)+len(w.behind) >= pageEntries
}

// scan reads on one level, as far as it leads.
func (w *walk) scan(ctx context.Context, r kv.Reader) error {
	rows := w.t.keys(w.level, w.pos, nil)
	if w.level == 0 {
		rows = w.t.keys(0, w.pos, w.hi)
	}
	for row, err := range r.Scan(ctx, rows) {
		if err != nil {
			return err
		}
		key := w.t.CutKey(row.Key)
		if w.full() {
			w.pos = bytes.Clone(key)
			return nil
		}
		if w.beyond(key) {
			break
		}
		if up := min(w.t.climbs(w, key), w.height); up > w.level {
			w.take()
			w.level, w.pos = up, bytes.Clone(key)
			return nil
		}
		if err := w.add(key, row.Value); err != nil || w.done {
			return err
		}
	}
	w.turn()
	return nil
}

// climbs returns the level on which the walk goes on from a key.
func (t *Tree) climbs(w *walk, key []byte) int {
	if w.down || w.level == w.height {
		return w.level
	}
	return t.level(key)
}

// beyond reports whether a key is behind the range.
func (w *walk) beyond(key []byte) bool { return w.hi != nil && bytes.Compare(key, w.hi) > 0 }

// add takes in an entry of the level.
func (w *walk) add(key, value []byte) error {
	if w.level == 0 {
		return w.addRow(key, value)
	}
	w.take()
	if w.hi != nil && bytes.Equal(key, w.hi) {
		w.done = true
		return nil
	}
	sum, err := decodeSummary(bytes.Clone(value))
	w.pending = &pending{bytes.Clone(key), sum}
	w.size += len(key) + len(value)
	return err
}

func (w *walk) addRow(key, value []byte) error {
	w.count++
	if w.counting {
		return nil
	}
	e, err := w.t.decode(0, key, value)
	w.size += e.size
	if w.down {
		w.behind = append(w.behind, e)
	} else {
		w.before = append(w.before, e)
	}
	return err
}

// take takes in the entry that is pending: all of it is in the range.
func (w *walk) take() {
	if w.pending != nil {
		w.count += w.pending.sum.Rows
		w.sums = append(w.sums, w.pending.sum)
		w.pending = nil
	}
}

// turn goes down into the entry in which the range ends, if there is one.
func (w *walk) turn() {
	switch {
	case w.level == 0 || w.pending == nil:
		w.done = true
	case w.hi == nil:
		w.take()
		w.done = true
	default:
		w.pos, w.pending = w.pending.key, nil
		w.level--
		w.down = true
	}
}
