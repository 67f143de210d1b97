// Package redtree keeps an ordered set of rows with summaries of its parts, so that
// counting and reducing any range reads a few hundred rows, however many it covers.
//
// # Shape
//
// Rows are on level 0. A row's key decides, by a hash under a secret seed, up to
// which level it is a boundary: one in 64 rows is one on level 1, one in 64 of those
// on level 2, and so on. The empty key, which no row has, is a boundary on every
// level up to the tree's height. The entries of level n are its boundaries: each
// summarizes the entries of level n-1 from its own key up to the next boundary. The
// root summarizes the uppermost level.
//
// As no boundary depends on other rows, the tree has one shape whatever the order of
// the edits, and an edit changes one summary on each level, two where it adds a
// boundary. Nothing is ever rebalanced. Keys that somebody chooses are no boundaries
// more often than others, for he does not know the seed.
//
// # Rows
//
//	prefix 0 key         row; the value is the caller's
//	prefix level key     [Summary] of a part
//
// Level is one byte. The [Root] lies with the caller, who stores it in the
// transaction that stores the writes of an [Tree.Update].
package redtree

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
	"slices"

	"settle/storage/kv"
	"settle/storage/view/reduction"
)

// Seed is the secret of a tree's shape. It never changes.
type Seed [16]byte

// Tree says where a tree lies and how its rows are reduced. It is immutable and safe
// for concurrent use.
type Tree struct {
	Prefix   []byte
	Seed     Seed
	Reducers []reduction.Reducer
	// Row reads a row, whose slices it may share.
	Row func(key, value []byte) (reduction.Row, error)
}

// View runs fn on a state of the partition that the tree lies in. Operations call it
// more than once; each state must be the one that the root is of, or View returns an
// error, which ends the operation.
type View func(ctx context.Context, fn func(kv.Reader) error) error

// State is a tree's state in its partition, from which operations read.
type State struct {
	View View
	Root Root
}

// Span is the rows with keys in [Lo, Hi), where nil is open.
type Span struct {
	Lo, Hi []byte
	// Long says that the rows are many, as far as the caller can tell: it saves
	// looking whether they are few.
	Long bool
}

const (
	fanoutBits = 6 // one in 64
	maxLevel   = 10
)

// MaxHeight is the greatest height of a tree.
const MaxHeight = maxLevel

// level returns up to which level a key is a boundary.
func (t *Tree) level(key []byte) int {
	if len(key) == 0 {
		return maxLevel
	}
	var buf [256]byte
	sum := sha256.Sum256(append(append(buf[:0], t.Seed[:]...), key...))
	return min(bits.TrailingZeros64(binary.BigEndian.Uint64(sum[:]))/fanoutBits, maxLevel)
}

// RowKey returns the engine's key of a row.
func (t *Tree) RowKey(key []byte) []byte { return t.key(0, key) }

func (t *Tree) key(level int, key []byte) []byte {
	out := make([]byte, 0, len(t.Prefix)+1+len(key))
	return append(append(append(out, t.Prefix...), byte(level)), key...)
}

// CutKey returns the key of a row, as it stands in its engine's key.
func (t *Tree) CutKey(key []byte) []byte { return key[len(t.Prefix)+1:] }

// Rows returns the engine's range of the rows with keys in [lo, hi); a nil hi is open.
func (t *Tree) Rows(lo, hi []byte) kv.Range { return t.keys(0, lo, hi) }

func (t *Tree) keys(level int, lo, hi []byte) kv.Range {
	r := kv.Range{Lo: t.key(level, lo)}
	if hi == nil {
		r.Hi = t.key(level+1, nil)
	} else {
		r.Hi = t.key(level, hi)
	}
	return r
}

// Summaries returns the engine's range of all summaries.
func (t *Tree) Summaries() kv.Range {
	return kv.Range{Lo: t.key(1, nil), Hi: t.key(maxLevel+1, nil)}
}

// Summary is of a part of the rows: how many they are, and the state of each
// reducer, none where there are no rows.
type Summary struct {
	Rows   int64
	States [][]byte
}

// Root is the summary of all rows, and the number of the uppermost level. The zero
// Root is an empty tree's.
type Root struct {
	Height int
	Summary
}

// entry is a row, on level 0, or a part's summary. It owns its slices.
type entry struct {
	key     []byte
	row     reduction.Row
	summary Summary
	size    int
}

// decode reads an entry of a level. It copies what it keeps.
func (t *Tree) decode(level int, key, value []byte) (entry, error) {
	e := entry{key: slices.Clone(key), size: len(key) + len(value)}
	var err error
	if value = bytes.Clone(value); level == 0 {
		e.row, err = t.Row(e.key, value)
	} else {
		e.summary, err = decodeSummary(value)
	}
	return e, err
}

// reduce summarizes neighbouring entries of a level.
func (t *Tree) reduce(ctx context.Context, level int, entries []entry) (Summary, error) {
	if level > 0 {
		parts := make([]Summary, len(entries))
		for i, e := range entries {
			parts[i] = e.summary
		}
		return t.combine(ctx, parts)
	}
	s := Summary{Rows: int64(len(entries))}
	if len(entries) == 0 {
		return s, nil
	}
	rows := make([]reduction.Row, len(entries))
	for i, e := range entries {
		rows[i] = e.row
	}
	for _, r := range t.Reducers {
		state, err := r.Reduce(ctx, rows)
		if err != nil {
			return Summary{}, err
		}
		s.States = append(s.States, state)
	}
	return s, nil
}

// combine summarizes neighbouring parts.
func (t *Tree) combine(ctx context.Context, parts []Summary) (Summary, error) {
	parts = slices.DeleteFunc(parts, func(s Summary) bool { return s.Rows == 0 })
	if len(parts) == 0 {
		return Summary{}, nil
	}
	if len(parts) == 1 {
		return parts[0], nil
	}
	var sum Summary
	for _, part := range parts {
		sum.Rows += part.Rows
	}
	states := make([][]byte, len(parts))
	for i, r := range t.Reducers {
		for j, part := range parts {
			if len(part.States) != len(t.Reducers) {
				return Summary{}, errDamaged
			}
			states[j] = part.States[i]
		}
		state, err := r.Combine(ctx, states)
		if err != nil {
			return Summary{}, err
		}
		sum.States = append(sum.States, state)
	}
	return sum, nil
}
