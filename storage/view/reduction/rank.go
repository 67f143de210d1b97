package reduction

import (
	"context"
	"slices"

	"settle/storage/collate"
	"settle/storage/collate/jsonscan"
)

// rank is _top_N or _bottom_N: the n greatest or least values, each once. Its state
// is what is printed, a list.
type rank struct {
	n   int
	top bool
}

// Reduce implements Reducer.
func (r rank) Reduce(_ context.Context, rows []Row) ([]byte, error) {
	var best [][]byte
	for i := len(rows) - 1; i >= 0; i-- {
		best = r.insert(best, rows[i].Value)
	}
	return printList(best), nil
}

// Combine implements Reducer.
func (r rank) Combine(_ context.Context, states [][]byte) ([]byte, error) {
	var best [][]byte
	for i := len(states) - 1; i >= 0; i-- {
		if jsonscan.KindOf(states[i]) != jsonscan.Array {
			return nil, corrupt("rank")
		}
		for rest := range jsonscan.Elements(states[i]) {
			best = r.insert(best, jsonscan.Value(rest))
		}
	}
	return printList(best), nil
}

// Finish implements Reducer.
func (rank) Finish(_ context.Context, state []byte) (Result, error) {
	return Result{Value: state}, nil
}

// insert puts a value into its place, unless it is there or too far behind.
func (r rank) insert(best [][]byte, v []byte) [][]byte {
	i, found := slices.BinarySearchFunc(best, v, func(a, b []byte) int {
		if r.top {
			return collate.Compare(b, a)
		}
		return collate.Compare(a, b)
	})
	if found || i == r.n {
		return best
	}
	best = slices.Insert(best, i, v)
	return best[:min(len(best), r.n)]
}

func printList(values [][]byte) []byte {
	out := []byte{'['}
	for i, v := range values {
		out = append(comma(out, i), v...)
	}
	return append(out, ']')
}
