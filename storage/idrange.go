package storage

import (
	"settle/storage/kv"
	"settle/storage/schema"
)

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
