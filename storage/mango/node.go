package mango

import "settle/storage/mango/pattern"

// operator is what a node does.
type operator int

const (
	opAnd operator = iota
	opOr
	opNot
	opNor
	opField // a condition on a field, or on the value itself
	opElemMatch
	opAllMatch
	opKeyMapMatch
	opText
	opLt
	opLte
	opEq
	opNe
	opGte
	opGt
	opIn
	opNin
	opExists
	opType
	opMod
	opSize
	opAll
	opRegex
	opBeginsWith
)

// node is a part of a selector. It does not change once the selector is parsed.
type node struct {
	op   operator
	args []*node // what opAnd to opKeyMapMatch are about

	name string // of an opField that is not normalised: the field as it is written
	path []string

	arg    []byte   // JSON, as it stands in the selector; a negation of it keeps it
	raw    bool     // values compare by Erlang's order
	list   [][]byte // JSON; of opIn, opNin and opAll
	keys   keySet   // of a long list: its elements
	want   bool     // of opExists
	text   string   // of opType and opBeginsWith
	size   int64
	mod    modulus
	regexp *pattern.Expression
}
