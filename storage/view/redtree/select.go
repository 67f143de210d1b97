package redtree

import (
	"bytes"
	"context"

	"settle/storage/kv"
)

// Select returns the key of the row in front of which there are n others; ok is false
// where there is none. Errors: the View's, of kind Corrupt.
func (t *Tree) Select(ctx context.Context, s State, n int64) (key []byte, ok bool, err error) {
	err = s.View(ctx, func(r kv.Reader) error {
		left, pos := n, []byte{}
		for level := s.Root.Height; level > 0; level-- {
			if pos, left, err = t.descend(ctx, r, level, pos, left); err != nil || pos == nil {
				return err
			}
		}
		for row, err := range r.Scan(ctx, t.Rows(pos, nil)) {
			if err != nil {
				return err
			}
			if left--; left < 0 {
				key, ok = bytes.Clone(t.CutKey(row.Key)), true
				return nil
			}
		}
		return nil
	})
	return key, ok, err
}

// descend finds the entry of a level that has the row, and how many of its rows are
// in front of that; nil where there is none.
func (t *Tree) descend(ctx context.Context, r kv.Reader, level int, pos []byte, left int64) ([]byte, int64, error) {
	for row, err := range r.Scan(ctx, t.keys(level, pos, nil)) {
		if err != nil {
			return nil, 0, err
		}
		sum, err := decodeSummary(row.Value)
		if err != nil {
			return nil, 0, err
		}
		if left < sum.Rows {
			return append([]byte{}, t.CutKey(row.Key)...), left, nil
		}
		left -= sum.Rows
	}
	return nil, 0, nil
}
