package redtree

import (
	"bytes"
	"context"
	"slices"

	"settle/storage/kv"
)

// Change is of one row: its new value, or nil where it goes.
type Change struct {
	Key, Value []byte
}

// Write is of one of the engine's rows: its new value, or nil where it goes.
type Write struct {
	Key, Value []byte
}

// pageBytes and pageEntries bound what is read in one View.
const (
	pageBytes   = 4 << 20
	pageEntries = 10_000
)

// Update returns what must be written for changes, which are ascending by key, each
// key once, and the root that the tree has then. It reduces between its reads. Errors:
// the View's, a reducer's, of kind Corrupt.
func (t *Tree) Update(ctx context.Context, s State, changes []Change) (Root, []Write, error) {
	levels := [][]Change{changes}
	height := s.Root.Height
	for _, c := range changes {
		if c.Value != nil {
			height = max(height, t.level(c.Key))
		}
	}
	for level := 1; level <= height; level++ {
		above, err := t.updateLevel(ctx, s.View, level, levels[level-1])
		if err != nil {
			return Root{}, nil, err
		}
		levels = append(levels, above)
	}
	var writes []Write
	for level, changes := range levels {
		for _, c := range changes {
			writes = append(writes, Write{t.key(level, c.Key), c.Value})
		}
	}
	return t.updateRoot(ctx, s.View, levels, writes)
}

// updateRoot summarizes the uppermost level, and takes off those that have no
// boundary left.
func (t *Tree) updateRoot(ctx context.Context, view View, levels [][]Change, writes []Write) (Root, []Write, error) {
	for height := len(levels) - 1; ; height-- {
		g := gatherer{t: t, level: maxLevel + 1, from: height, below: levels[height], next: len(levels[height]), queue: [][]byte{{}}}
		parts, n, err := g.root(ctx, view)
		if err != nil {
			return Root{}, nil, err
		}
		if n == 1 && height > 0 {
			writes = append(writes, Write{t.key(height, nil), nil})
			continue
		}
		return Root{Height: height, Summary: parts}, writes, nil
	}
}

// root reduces all entries of a level, and counts them.
func (g *gatherer) root(ctx context.Context, view View) (sum Summary, n int, err error) {
	var parts []Summary
	for !g.finished() {
		chunks, err := g.gather(ctx, view)
		if err != nil {
			return Summary{}, 0, err
		}
		for _, c := range chunks {
			n += len(c.entries)
			part, err := g.t.reduce(ctx, g.from, c.entries)
			if err != nil {
				return Summary{}, 0, err
			}
			parts = append(parts, part)
		}
	}
	sum, err = g.t.combine(ctx, parts)
	return sum, n, err
}

// updateLevel returns the changes of a level that follow from those of the level
// below it.
func (t *Tree) updateLevel(ctx context.Context, view View, level int, below []Change) ([]Change, error) {
	g := gatherer{t: t, level: level, from: level - 1, below: below}
	var out []Change
	var parts []Summary // of a chunk that is longer than a page
	for !g.finished() {
		chunks, err := g.gather(ctx, view)
		if err != nil {
			return nil, err
		}
		for _, c := range chunks {
			part, err := t.reduce(ctx, level-1, c.entries)
			if err != nil {
				return nil, err
			}
			if parts = append(parts, part); !c.whole {
				continue
			}
			sum, err := t.combine(ctx, parts)
			if err != nil {
				return nil, err
			}
			out = append(out, Change{c.boundary, sum.Append(nil)})
			parts = nil
		}
	}
	for _, c := range below {
		if c.Value == nil && t.level(c.Key) >= level {
			out = append(out, Change{Key: c.Key})
		}
	}
	slices.SortFunc(out, func(a, b Change) int { return bytes.Compare(a.Key, b.Key) })
	return out, nil
}

// chunk is the entries behind a boundary, up to the next one, or the next of them.
type chunk struct {
	boundary []byte
	entries  []entry
	whole    bool // no others follow
}

// gatherer reads the chunks of a level that have changed, a page at a time.
type gatherer struct {
	t     *Tree
	level int      // whose chunks
	from  int      // the level of the entries
	below []Change // of the entries

	next  int      // of below, to be looked at
	queue [][]byte // boundaries of the chunks to be read
	open  bool     // the first of them has been begun
	pos   []byte   // where its rest begins
	read  bool     // a chunk was read to its end
	end   []byte   // the boundary behind it; nil: there is none
}

func (g *gatherer) finished() bool { return len(g.queue) == 0 && g.next == len(g.below) }

// gather reads chunks until a page is full, at least a part of one.
func (g *gatherer) gather(ctx context.Context, view View) (chunks []chunk, err error) {
	start := *g
	err = view(ctx, func(r kv.Reader) error {
		*g, chunks = start, nil
		size, n := 0, 0
		for !g.finished() && size < pageBytes && n < pageEntries {
			if len(g.queue) == 0 {
				if err := g.enqueue(ctx, r); err != nil {
					return err
				}
				continue
			}
			c, err := g.readChunk(ctx, r)
			if err != nil {
				return err
			}
			for _, e := range c.entries {
				size += e.size
			}
			n += len(c.entries)
			chunks = append(chunks, c)
		}
		return nil
	})
	return chunks, err
}

// enqueue looks at the next change: the chunk that it is in must be read, and, where
// it is a boundary, the one in front of it, which it ends, or ended.
func (g *gatherer) enqueue(ctx context.Context, r kv.Reader) error {
	c := g.below[g.next]
	g.next++
	boundary := g.t.level(c.Key) >= g.level
	begins := boundary && c.Value != nil
	if len(c.Key) > 0 && !g.covers(c.Key, begins) {
		before, err := g.boundaryBefore(ctx, r, c.Key)
		if err != nil {
			return err
		}
		g.queue = append(g.queue, before)
	}
	if begins {
		g.queue = append(g.queue, c.Key)
	}
	return nil
}

// covers reports whether the chunk in front of key, or around it, has been read.
func (g *gatherer) covers(key []byte, begins bool) bool {
	if !g.read || g.end == nil {
		return g.read
	}
	order := bytes.Compare(key, g.end)
	return order < 0 || begins && order == 0
}

// boundaryBefore returns the last boundary in front of key. It is a stored one: of
// those that are new, the chunks have been read.
func (g *gatherer) boundaryBefore(ctx context.Context, r kv.Reader, key []byte) ([]byte, error) {
	rows := g.t.keys(g.level, nil, key)
	rows.Reverse = true
	for row, err := range r.Scan(ctx, rows) {
		if err != nil {
			return nil, err
		}
		if found := g.t.CutKey(row.Key); !g.removes(found) {
			return bytes.Clone(found), nil
		}
	}
	return []byte{}, nil
}

// removes reports whether a boundary goes.
func (g *gatherer) removes(key []byte) bool {
	i, ok := slices.BinarySearchFunc(g.below, key, func(c Change, key []byte) int { return bytes.Compare(c.Key, key) })
	return ok && g.below[i].Value == nil
}

// readChunk reads the first chunk of the queue, or goes on with it.
func (g *gatherer) readChunk(ctx context.Context, r kv.Reader) (chunk, error) {
	c := chunk{boundary: g.queue[0], whole: true}
	if !g.open {
		g.open, g.pos = true, c.boundary
	}
	g.end = nil
	size := 0
	for row, err := range g.merged(ctx, r) {
		if err != nil {
			return chunk{}, err
		}
		if !bytes.Equal(row.Key, c.boundary) && g.t.level(row.Key) >= g.level {
			g.end = bytes.Clone(row.Key)
			break
		}
		if size >= pageBytes || len(c.entries) >= pageEntries {
			g.pos, c.whole = bytes.Clone(row.Key), false
			return c, nil
		}
		e, err := g.t.decode(g.from, row.Key, row.Value)
		if err != nil {
			return chunk{}, err
		}
		size += e.size
		c.entries = append(c.entries, e)
	}
	g.queue, g.open, g.read = g.queue[1:], false, true
	return c, nil
}
