package mango

import (
	"maps"
	"slices"

	"settle/storage/collate"
)

// bound is one end of a range of values; without a value there is none.
type bound struct {
	value []byte // JSON
	open  bool   // the value itself is out
}

// valueRange is the values of a field that can match.
type valueRange struct {
	low, high bound
	empty     bool
}

// ranges returns what conditions leave of the values of each field that an index can
// restrict. As in CouchDB the first field of which nothing is left stands alone.
func (s *Selector) ranges() map[string]valueRange {
	all := make(map[string]valueRange)
	s.root.conjuncts(func(n *node) {
		if n.args[0].indexed() {
			r := all[n.name]
			r.restrict(n.args[0])
			all[n.name] = r
		}
	})
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if all[name].empty {
			return map[string]valueRange{name: all[name]}
		}
	}
	return all
}

// restrict compares by collation even the bounds of `_id`, whose values match by
// Erlang's order: whichever bound is taken, no document that matches is behind it.
func (r *valueRange) restrict(n *node) {
	if r.empty {
		return
	}
	low, high := n.bounds()
	if low.value != nil && (r.low.value == nil || isTighter(collate.Compare(low.value, r.low.value), low, r.low)) {
		r.low = low
	}
	if high.value != nil && (r.high.value == nil || isTighter(-collate.Compare(high.value, r.high.value), high, r.high)) {
		r.high = high
	}
	if r.low.value == nil || r.high.value == nil {
		return
	}
	order := collate.Compare(r.low.value, r.high.value)
	r.empty = order > 0 || order == 0 && (r.low.open || r.high.open)
}

// isTighter says whether a bound leaves less than another: order is how much
// farther in it lies.
func isTighter(order int, b, than bound) bool {
	return order > 0 || order == 0 && b.open && !than.open
}

// lastCharacter ends the range of the strings that begin with a prefix, as
// CouchDB's does.
const lastCharacter = "\uffff"

// bounds returns the range of one operator; two bounds without values where it
// has none.
func (n *node) bounds() (low, high bound) {
	switch n.op {
	case opEq:
		return bound{value: n.arg}, bound{value: n.arg}
	case opGt:
		return bound{value: n.arg, open: true}, bound{}
	case opGte:
		return bound{value: n.arg}, bound{}
	case opLt:
		return bound{}, bound{value: n.arg, open: true}
	case opLte:
		return bound{}, bound{value: n.arg}
	case opBeginsWith:
		return bound{value: n.arg}, bound{value: appendString(nil, n.text+lastCharacter)}
	}
	return bound{}, bound{}
}

// Keys is a range of an index: an array for each end, of which the low one may be
// the beginning of many keys. In _all_docs, which has no arrays, there is one
// element, or none.
type Keys struct {
	Low, High [][]byte // JSON values
	Empty     bool     // nothing can match
}

// keysOf returns the keys of a range of the columns: a low bound ends with the
// first column that has none, a high one likewise, behind which comes everything.
func keysOf(ranges []valueRange) Keys {
	var k Keys
	for _, r := range ranges {
		k.Empty = k.Empty || r.empty
	}
	for _, r := range ranges {
		if r.low.value == nil {
			break
		}
		k.Low = append(k.Low, r.low.value)
	}
	for _, r := range ranges {
		if r.high.value == nil {
			break
		}
		k.High = append(k.High, r.high.value)
	}
	return k
}

// lastKey is JSON that sorts behind every value: an object whose first member has a
// name behind all others.
const lastKey = "{\"\U0010ffff\U0010ffff\U0010ffff\U0010ffff\":null}"

// AppendLow appends the low end of the range of an index with columns: an array that
// sorts in front of every key that begins with its elements.
func (k Keys) AppendLow(dst []byte) []byte { return appendArray(dst, k.Low) }

// AppendHigh appends the high end: an array that sorts behind every key that begins with
// the values of High.
func (k Keys) AppendHigh(dst []byte) []byte {
	return appendArray(dst, append(k.High[:len(k.High):len(k.High)], []byte(lastKey)))
}
