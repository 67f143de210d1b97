package redtree

import (
	"bytes"
	"context"
	"iter"
	"slices"

	"settle/storage/kv"
)

// merged yields the entries from g.pos on as they are after the changes, by their
// keys within the tree. The slices are valid until the next step.
func (g *gatherer) merged(ctx context.Context, r kv.Reader) iter.Seq2[kv.KV, error] {
	first, _ := slices.BinarySearchFunc(g.below, g.pos, func(c Change, key []byte) int { return bytes.Compare(c.Key, key) })
	return func(yield func(kv.KV, error) bool) {
		changes := g.below[first:]
		for row, err := range r.Scan(ctx, g.t.keys(g.from, g.pos, nil)) {
			if err != nil {
				yield(kv.KV{}, err)
				return
			}
			row.Key = g.t.CutKey(row.Key)
			for len(changes) > 0 && bytes.Compare(changes[0].Key, row.Key) < 0 {
				if !yieldChange(changes[0], yield) {
					return
				}
				changes = changes[1:]
			}
			if len(changes) > 0 && bytes.Equal(changes[0].Key, row.Key) {
				row.Value = changes[0].Value
				changes = changes[1:]
			}
			if !yieldChange(Change(row), yield) {
				return
			}
		}
		for _, c := range changes {
			if !yieldChange(c, yield) {
				return
			}
		}
	}
}

// yieldChange yields what is there after a change. It reports whether more is wanted.
func yieldChange(c Change, yield func(kv.KV, error) bool) bool {
	return c.Value == nil || yield(kv.KV(c), nil)
}
