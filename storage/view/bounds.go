package view

import (
	"settle/storage/couch"
	"settle/storage/schema"
	"settle/storage/view/redtree"
	"settle/storage/view/viewrow"
)

// span returns the range of a query in a space. Start and End have changed places where it is
// descending.
func span(s viewrow.Space, q *Query) (redtree.Span, error) {
	b := s.All(q.Partition)
	low, high := edge{q.Start, q.StartDoc, true}, edge{q.End, q.EndDoc, !q.ExclusiveEnd}
	if q.Descending {
		low, high = high, low
	}
	if low.key != nil {
		prefix, err := s.Prefix(q.Partition, low.key)
		if err != nil {
			return redtree.Span{}, err
		}
		b.Lo = low.cut(prefix, low.included)
	}
	if high.key != nil {
		prefix, err := s.Prefix(q.Partition, high.key)
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
		prefix = viewrow.AppendEscaped(prefix, string(*e.doc))
	}
	if front {
		return prefix
	}
	return schema.PrefixEnd(prefix)
}
