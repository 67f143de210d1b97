package mango

import "strconv"

// names are how operators are written.
var names = map[operator]string{
	opAnd: "$and", opOr: "$or", opNot: "$not", opNor: "$nor",
	opElemMatch: "$elemMatch", opAllMatch: "$allMatch", opKeyMapMatch: "$keyMapMatch",
	opLt: "$lt", opLte: "$lte", opEq: "$eq", opNe: "$ne", opGte: "$gte", opGt: "$gt",
	opIn: "$in", opNin: "$nin", opExists: "$exists", opType: "$type", opMod: "$mod", opSize: "$size",
	opAll: "$all", opRegex: "$regex", opBeginsWith: "$beginsWith",
}

// AppendJSON appends the selector as `_explain` shows it: with the names of fields
// and the negations pushed down, and every operator written out.
func (s *Selector) AppendJSON(dst []byte) []byte {
	if s.root == nil {
		return append(dst, "{}"...)
	}
	return s.root.appendJSON(dst)
}

func (n *node) appendJSON(dst []byte) []byte {
	switch n.op {
	case opText:
		return append(dst, n.arg...)
	case opField:
		dst = append(appendString(append(dst, '{'), n.name), ':')
		return append(n.args[0].appendJSON(dst), '}')
	}
	dst = append(appendString(append(dst, '{'), names[n.op]), ':')
	switch n.op {
	case opAnd, opOr, opNor:
		dst = append(dst, '[')
		for i, arg := range n.args {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = arg.appendJSON(dst)
		}
		dst = append(dst, ']')
	case opNot, opElemMatch, opAllMatch, opKeyMapMatch:
		dst = n.args[0].appendJSON(dst)
	case opExists:
		dst = strconv.AppendBool(dst, n.want)
	default:
		dst = append(dst, n.arg...)
	}
	return append(dst, '}')
}
