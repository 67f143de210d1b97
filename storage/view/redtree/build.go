package redtree

import (
	"context"
	"slices"

	"settle/storage/kv"
)

// What Build hands over in one call are so many writes, or bytes of them.
const (
	writesAtOnce = 500
	bytesAtOnce  = 4 << 20
)

// Build makes all summaries of the rows, where there are none, in one pass. It hands
// over what must be written to store, from time to time, and returns the root. Errors:
// view's, store's, a reducer's, of kind Corrupt.
func (t *Tree) Build(ctx context.Context, view View, store func([]Write) error) (Root, error) {
	b := builder{t: t, store: store, open: []*part{{}}}
	for row, err := range kv.Pages(ctx, view, t.Rows(nil, nil)) {
		if err != nil {
			return Root{}, err
		}
		if err := b.add(ctx, t.CutKey(row.Key), row.Value); err != nil {
			return Root{}, err
		}
	}
	return b.finish(ctx)
}

type builder struct {
	t      *Tree
	store  func([]Write) error
	open   []*part // on each level from 1 on the one that is being made; the last is the root
	writes []Write
	size   int // of writes
}

// part is a part whose summary is being made.
type part struct {
	boundary []byte
	entries  []entry
	size     int
	sums     []Summary // of entries that came before
}

// A part's entries are reduced when they are so many, or hold so many bytes.
const (
	partEntries = 1000
	partBytes   = 1 << 20
)

func (b *builder) add(ctx context.Context, key, value []byte) error {
	level := b.t.level(key)
	for len(b.open) <= level {
		b.open = append(b.open, &part{})
	}
	if err := b.close(ctx, level, key); err != nil {
		return err
	}
	e, err := b.t.decode(0, key, value)
	if err != nil {
		return err
	}
	return b.t.addTo(ctx, b.open[0], 0, e)
}

// addTo adds an entry of a level to the part above it.
func (t *Tree) addTo(ctx context.Context, p *part, level int, e entry) error {
	p.entries = append(p.entries, e)
	if p.size += e.size; len(p.entries) < partEntries && p.size < partBytes {
		return nil
	}
	return t.shrink(ctx, p, level)
}

func (t *Tree) shrink(ctx context.Context, p *part, level int) error {
	sum, err := t.reduce(ctx, level, p.entries)
	p.sums = append(p.sums, sum)
	clear(p.entries)
	p.entries, p.size = p.entries[:0], 0
	return err
}

// close ends the open parts of the levels up to level; the next ones begin at key.
func (b *builder) close(ctx context.Context, level int, key []byte) error {
	for l := 1; l <= level; l++ {
		p := b.open[l-1]
		sum, err := b.sum(ctx, p, l)
		if err != nil {
			return err
		}
		w := Write{b.t.key(l, p.boundary), sum.Append(nil)}
		b.writes, b.size = append(b.writes, w), b.size+len(w.Key)+len(w.Value)
		e := entry{key: p.boundary, summary: sum, size: len(p.boundary)}
		if err := b.t.addTo(ctx, b.open[l], l, e); err != nil {
			return err
		}
		b.open[l-1] = &part{boundary: slices.Clone(key), entries: p.entries}
	}
	if len(b.writes) < writesAtOnce && b.size < bytesAtOnce {
		return nil
	}
	writes := b.writes
	b.writes, b.size = nil, 0
	return b.store(writes)
}

// sum summarizes a part of a level.
func (b *builder) sum(ctx context.Context, p *part, level int) (Summary, error) {
	if err := b.t.shrink(ctx, p, level-1); err != nil {
		return Summary{}, err
	}
	return b.t.combine(ctx, p.sums)
}

func (b *builder) finish(ctx context.Context) (Root, error) {
	height := len(b.open) - 1
	if err := b.close(ctx, height, nil); err != nil {
		return Root{}, err
	}
	sum, err := b.sum(ctx, b.open[height], height+1)
	if err == nil && len(b.writes) > 0 {
		err = b.store(b.writes)
	}
	return Root{Height: height, Summary: sum}, err
}
