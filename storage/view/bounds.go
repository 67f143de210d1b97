package view

import (
	"settle/storage/couch"
	"settle/storage/schema"
)

// bounds are a range of keys of rows: [lo, hi), where nil is open.
type bounds struct{ lo, hi []byte }

// all returns the bounds of a query without keys: everything, or a partition.
func (s keySpace) all(partition string) bounds {
	if !s.partitioned {
		return bounds{}
	}
	prefix := appendEscaped(nil, partition)
	return bounds{prefix, schema.PrefixEnd(prefix)}
}

// of returns the bounds of all rows with an emitted key.
func (s keySpace) of(partition string, key []byte) (bounds, error) {
	prefix, err := s.prefix(partition, key)
	return bounds{prefix, schema.PrefixEnd(prefix)}, err
}

func (s keySpace) prefix(partition string, key []byte) ([]byte, error) {
	var dst []byte
	if s.partitioned {
		dst = appendEscaped(dst, partition)
	}
	return s.appendKey(dst, key)
}

// bounds returns the range of a query. Start and End have changed places where it is
// descending.
func (s keySpace) bounds(q *Query) (bounds, error) {
	b := s.all(q.Partition)
	low, high := edge{q.Start, q.StartDoc, true}, edge{q.End, q.EndDoc, !q.ExclusiveEnd}
	if q.Descending {
		low, high = high, low
	}
	if low.key != nil {
		prefix, err := s.prefix(q.Partition, low.key)
		if err != nil {
			return bounds{}, err
		}
		b.lo = low.cut(prefix, low.included)
	}
	if high.key != nil {
		prefix, err := s.prefix(q.Partition, high.key)
		if err != nil {
			return bounds{}, err
		}
		b.hi = high.cut(prefix, !high.included)
	}
	return b, nil
}

// edge is one end of a range.
type edge struct {
	key      []byte // nil: open
	doc      *couch.DocID
	included bool
}

// cut returns the first key of the rows at the edge or, where it is not in front, the
// first behind them. prefix is that of the edge's key.
func (e edge) cut(prefix []byte, front bool) []byte {
	if e.doc != nil {
		prefix = appendEscaped(prefix, string(*e.doc))
	}
	if front {
		return prefix
	}
	return schema.PrefixEnd(prefix)
}
