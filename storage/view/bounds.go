package view

import (
	"settle/storage/couch"
	"settle/storage/schema"
	"settle/storage/view/redtree"
)

// all returns the range of a query without keys: everything, or a partition.
func (s keySpace) all(partition string) redtree.Span {
	if !s.partitioned {
		return redtree.Span{}
	}
	prefix := appendEscaped(nil, partition)
	return redtree.Span{Lo: prefix, Hi: schema.PrefixEnd(prefix)}
}

// of returns the range of all rows with an emitted key.
func (s keySpace) of(partition string, key []byte) (redtree.Span, error) {
	prefix, err := s.prefix(partition, key)
	return redtree.Span{Lo: prefix, Hi: schema.PrefixEnd(prefix)}, err
}

func (s keySpace) prefix(partition string, key []byte) ([]byte, error) {
	var dst []byte
	if s.partitioned {
		dst = appendEscaped(dst, partition)
	}
	return s.appendKey(dst, key)
}

// span returns the range of a query. Start and End have changed places where it is
// descending.
func (s keySpace) span(q *Query) (redtree.Span, error) {
	b := s.all(q.Partition)
	low, high := edge{q.Start, q.StartDoc, true}, edge{q.End, q.EndDoc, !q.ExclusiveEnd}
	if q.Descending {
		low, high = high, low
	}
	if low.key != nil {
		prefix, err := s.prefix(q.Partition, low.key)
		if err != nil {
			return redtree.Span{}, err
		}
		b.Lo = low.cut(prefix, low.included)
	}
	if high.key != nil {
		prefix, err := s.prefix(q.Partition, high.key)
		if err != nil {
			return redtree.Span{}, err
		}
		b.Hi = high.cut(prefix, !high.included)
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
