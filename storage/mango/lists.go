package mango

import (
	"settle/storage/collate"
	"settle/storage/collate/jsonscan"
)

// isIn reports whether the value, or an element where it is an array, is among the
// arguments.
func (n *node) isIn(v []byte) bool {
	if jsonscan.KindOf(v) != jsonscan.Array {
		return n.isListed(v)
	}
	for element := range jsonscan.Elements(v) {
		if n.isListed(element) {
			return true
		}
	}
	return false
}

func (n *node) isListed(v []byte) bool {
	if n.keys != nil && !n.raw {
		return n.keys.has(jsonscan.Value(v))
	}
	compare := collate.Compare
	if n.raw {
		compare = collate.CompareRaw
	}
	for _, arg := range n.list {
		if compare(v, arg) == 0 {
			return true
		}
	}
	return false
}

// hasAll reports whether an array has all arguments, or is the only argument.
func (n *node) hasAll(v []byte) bool {
	if jsonscan.KindOf(v) != jsonscan.Array || len(n.list) == 0 {
		return false
	}
	if len(n.list) == 1 && jsonscan.KindOf(n.list[0]) == jsonscan.Array && collate.CompareRaw(n.list[0], v) == 0 {
		return true
	}
	left := make(map[string]struct{}, len(n.list))
	for _, arg := range n.list {
		left[string(arg)] = struct{}{}
	}
	for element := range jsonscan.Elements(v) {
		delete(left, string(jsonscan.Value(element)))
		if len(left) == 0 {
			return true
		}
	}
	return false
}

func count(array []byte) int64 {
	n := int64(0)
	for range jsonscan.Elements(array) {
		n++
	}
	return n
}

// keySet is the collation keys of a long list of values.
type keySet map[string]struct{}

// shortList is how many values are faster compared one by one.
const shortList = 8

// newKeySet returns nil for a short list, and for one with values that have no key.
func newKeySet(list [][]byte) keySet {
	if len(list) <= shortList {
		return nil
	}
	set := make(keySet, len(list))
	for _, value := range list {
		key, err := collate.AppendKey(nil, value)
		if err != nil {
			return nil
		}
		set[string(key)] = struct{}{}
	}
	return set
}

func (s keySet) has(value []byte) bool {
	var buf [128]byte
	key, err := collate.AppendKey(buf[:0], value)
	_, ok := s[string(key)]
	return ok && err == nil
}
