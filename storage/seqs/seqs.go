// Package seqs changes sequences that may fail.
package seqs

import "iter"

// Batched groups what seq yields into slices of up to n. An error comes alone,
// behind what was yielded in front of it.
func Batched[T any](seq iter.Seq2[T, error], n int) iter.Seq2[[]T, error] {
	return func(yield func([]T, error) bool) {
		var page []T
		for v, err := range seq {
			if err != nil {
				if len(page) == 0 || yield(page, nil) {
					yield(nil, err)
				}
				return
			}
			if page = append(page, v); len(page) == n {
				if !yield(page, nil) {
					return
				}
				page = nil
			}
		}
		if len(page) > 0 {
			yield(page, nil)
		}
	}
}

// Limited yields the first n of what seq yields; all where n is 0.
func Limited[T any](seq iter.Seq2[T, error], n int) iter.Seq2[T, error] {
	if n == 0 {
		return seq
	}
	return func(yield func(T, error) bool) {
		left := n
		for v, err := range seq {
			if !yield(v, err) || err != nil {
				return
			}
			if left--; left == 0 {
				return
			}
		}
	}
}
