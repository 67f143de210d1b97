package storage

import (
	"bytes"
	"context"
	"iter"

	"settle/storage/kv"
)

// A scan for a client goes in pages, so that a slow client pins nothing.
const (
	pageRows  = 1000
	pageBytes = 1 << 20
)

// viewer runs fn on a durable state of one partition.
type viewer func(ctx context.Context, fn func(kv.Reader) error) error

func (s *Store) view(p kv.Partition) viewer {
	return func(ctx context.Context, fn func(kv.Reader) error) error {
		return domainError(s.kv.View(ctx, p, fn))
	}
}

// pages yields the rows of a range, read in pages of which each is a View of
// its own. The slices belong to the receiver.
func pages(ctx context.Context, view viewer, r kv.Range) iter.Seq2[kv.KV, error] {
	return func(yield func(kv.KV, error) bool) {
		left := r.Limit
		for {
			page, more, err := onePage(ctx, view, r)
			for _, row := range page {
				if !yield(row, nil) {
					return
				}
			}
			if err != nil {
				yield(kv.KV{}, err)
				return
			}
			left -= len(page)
			if !more || r.Limit > 0 && left <= 0 {
				return
			}
			r = behind(r, page[len(page)-1].Key)
			if r.Limit > 0 {
				r.Limit = left
			}
		}
	}
}

// onePage reads the first rows of a range; more says that there may be others.
func onePage(ctx context.Context, view viewer, r kv.Range) (page []kv.KV, more bool, err error) {
	one := r
	one.Limit = pageRows
	if r.Limit > 0 {
		one.Limit = min(r.Limit, pageRows)
	}
	err = view(ctx, func(rd kv.Reader) error {
		page, more = page[:0], false
		size := 0
		for row, err := range rd.Scan(ctx, one) {
			if err != nil {
				return err
			}
			page = append(page, kv.KV{Key: bytes.Clone(row.Key), Value: bytes.Clone(row.Value)})
			size += len(row.Key) + len(row.Value)
			if size >= pageBytes {
				more = true
				return nil
			}
		}
		more = len(page) == one.Limit
		return nil
	})
	return page, more, err
}

// behind returns what of a range comes after key, in its order.
func behind(r kv.Range, key []byte) kv.Range {
	if r.Reverse {
		r.Hi = key
	} else {
		r.Lo = after(key)
	}
	return r
}

// idRange is a range of ids or names, in the order of reading.
type idRange struct {
	start, end   *string
	exclusiveEnd bool
}

// keys returns the keys of the range below a one-byte prefix.
func (r idRange) keys(prefix byte, descending bool) kv.Range {
	whole := []byte{prefix}
	out := kv.Range{Lo: whole, Hi: prefixEnd(whole), Reverse: descending}
	low, high := r.start, r.end
	if descending {
		low, high = r.end, r.start
	}
	if low != nil {
		out.Lo = append([]byte{prefix}, *low...)
		if descending && r.exclusiveEnd {
			out.Lo = after(out.Lo)
		}
	}
	if high != nil {
		out.Hi = append([]byte{prefix}, *high...)
		if descending || !r.exclusiveEnd {
			out.Hi = after(out.Hi)
		}
	}
	return out
}
