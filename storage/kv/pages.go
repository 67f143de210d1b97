package kv

import (
	"bytes"
	"context"
	"iter"
)

// A page of Pages is full with so many rows, or bytes of keys and values.
const (
	PageRows  = 1000
	PageBytes = 1 << 20
)

// Pages yields the rows of a range, read in pages of which each is a View of its
// own, so that a slow receiver pins nothing; rows that change meanwhile may be
// seen or not. view runs fn on a state of the partition, and may run it again:
// [Store].View with the partition, or what wraps it. The slices belong to the
// receiver. An error, which is view's, comes behind the rows read before it.
func Pages(ctx context.Context, view func(context.Context, func(Reader) error) error, r Range) iter.Seq2[KV, error] {
	return func(yield func(KV, error) bool) {
		left := r.Limit
		for {
			page, more, err := readPage(ctx, view, r)
			for _, row := range page {
				if !yield(row, nil) {
					return
				}
			}
			if err != nil {
				yield(KV{}, err)
				return
			}
			left -= len(page)
			if !more || r.Limit > 0 && left <= 0 {
				return
			}
			r = r.Behind(page[len(page)-1].Key)
			if r.Limit > 0 {
				r.Limit = left
			}
		}
	}
}

// readPage reads the first rows of a range; more says that there may be others.
func readPage(ctx context.Context, view func(context.Context, func(Reader) error) error, r Range) (page []KV, more bool, err error) {
	one := r
	one.Limit = PageRows
	if r.Limit > 0 {
		one.Limit = min(r.Limit, PageRows)
	}
	err = view(ctx, func(rd Reader) error {
		page, more = page[:0], false
		size := 0
		for row, err := range rd.Scan(ctx, one) {
			if err != nil {
				return err
			}
			page = append(page, KV{Key: bytes.Clone(row.Key), Value: bytes.Clone(row.Value)})
			size += len(row.Key) + len(row.Value)
			if size >= PageBytes {
				more = true
				return nil
			}
		}
		more = len(page) == one.Limit
		return nil
	})
	return page, more, err
}

// Behind returns what of a range comes after key, in its order.
func (r Range) Behind(key []byte) Range {
	if r.Reverse {
		r.Hi = key
	} else {
		r.Lo = KeyAfter(key)
	}
	return r
}

// KeyAfter returns the first key behind key.
func KeyAfter(key []byte) []byte {
	return append(bytes.Clone(key), 0)
}
