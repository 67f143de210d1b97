package schema

import "settle/storage/kv"

// IDRange is a range of ids or names, in the order of reading.
type IDRange struct {
	Start, End   *string // nil: open
	ExclusiveEnd bool
}

// Keys returns the keys of the range below a one-byte prefix.
func (r IDRange) Keys(prefix byte, descending bool) kv.Range {
	out := All(prefix)
	out.Reverse = descending
	low, high := r.Start, r.End
	if descending {
		low, high = r.End, r.Start
	}
	if low != nil {
		out.Lo = append([]byte{prefix}, *low...)
		if descending && r.ExclusiveEnd {
			out.Lo = kv.KeyAfter(out.Lo)
		}
	}
	if high != nil {
		out.Hi = append([]byte{prefix}, *high...)
		if descending || !r.ExclusiveEnd {
			out.Hi = kv.KeyAfter(out.Hi)
		}
	}
	return out
}
