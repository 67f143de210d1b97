package storage

import (
	"context"

	"settle/storage/kv"
	"settle/storage/schema"
)

// view returns a View of a partition for kv.Pages, with the domain's errors.
func (s *Store) view(p kv.Partition) func(context.Context, func(kv.Reader) error) error {
	return func(ctx context.Context, fn func(kv.Reader) error) error {
		return schema.DomainError(s.kv.View(ctx, p, fn))
	}
}

// idRange is a range of ids or names, in the order of reading.
type idRange struct {
	start, end   *string
	exclusiveEnd bool
}

// keys returns the keys of the range below a one-byte prefix.
func (r idRange) keys(prefix byte, descending bool) kv.Range {
	out := schema.All(prefix)
	out.Reverse = descending
	low, high := r.start, r.end
	if descending {
		low, high = r.end, r.start
	}
	if low != nil {
		out.Lo = append([]byte{prefix}, *low...)
		if descending && r.exclusiveEnd {
			out.Lo = kv.KeyAfter(out.Lo)
		}
	}
	if high != nil {
		out.Hi = append([]byte{prefix}, *high...)
		if descending || !r.exclusiveEnd {
			out.Hi = kv.KeyAfter(out.Hi)
		}
	}
	return out
}
