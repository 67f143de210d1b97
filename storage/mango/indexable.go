package mango

import (
	"maps"
	"slices"
	"strings"
)

// What a selector says of a field, for the choice of an index. The rules are those
// of CouchDB's mango_selector and mango_idx_view.

// indexed are the operators that a range of an index can stand for.
func (n *node) indexed() bool {
	switch n.op {
	case opLt, opLte, opEq, opGte, opGt, opBeginsWith, opExists:
		return true
	}
	return false
}

// indexableFields returns the names of the fields that a range of an index can
// restrict, sorted. Only `$and` is seen through.
func (s *Selector) indexableFields() []string {
	found := make(map[string]bool)
	s.root.conjuncts(func(field *node) {
		if field.args[0].indexed() {
			found[field.name] = true
		}
	})
	return slices.Sorted(maps.Keys(found))
}

// conjuncts calls fn with each condition on a field that must hold.
func (n *node) conjuncts(fn func(field *node)) {
	switch {
	case n == nil:
	case n.op == opAnd:
		for _, arg := range n.args {
			arg.conjuncts(fn)
		}
	case n.op == opField:
		fn(n)
	}
}

// fields returns the names of all fields that the selector looks at, sorted.
func (s *Selector) fields() []string {
	found := make(map[string]bool)
	s.root.eachField(func(name string) { found[name] = true })
	return slices.Sorted(maps.Keys(found))
}

func (n *node) eachField(fn func(name string)) {
	switch {
	case n == nil:
	case n.op == opField:
		fn(n.name)
	case n.op == opText:
		fn("$default")
	default:
		for _, arg := range n.args {
			arg.eachField(fn)
		}
	}
}

// requires reports whether only documents that have all the fields can match.
func (s *Selector) requires(fields []string) bool {
	for _, name := range fields {
		if s.root == nil || !s.root.requires(name) {
			return false
		}
	}
	return true
}

func (n *node) requires(field string) bool {
	holds := func(arg *node) bool { return arg.requires(field) }
	switch n.op {
	case opAnd:
		return slices.ContainsFunc(n.args, holds)
	case opOr:
		return len(n.args) > 0 && !slices.ContainsFunc(n.args, func(arg *node) bool { return !holds(arg) })
	case opField:
		return n.name == field && !(n.args[0].op == opExists && !n.args[0].want)
	}
	return false
}

// isConstant reports whether the field has one value in all documents that match.
func (s *Selector) isConstant(field string) bool {
	constant := false
	s.root.conjuncts(func(n *node) { constant = constant || n.name == field && n.args[0].op == opEq })
	return constant
}

// isText reports whether the selector searches text.
func (s *Selector) isText() bool { return s.root.isText() }

func (n *node) isText() bool {
	return n != nil && (n.op == opText || slices.ContainsFunc(n.args, (*node).isText))
}

// neverHolds reports whether the selector is nothing but an operator on an empty
// list for which CouchDB does not look at any document (mango_cursor:
// maybe_noop_range), whatever the operator would decide.
func (s *Selector) neverHolds() bool {
	if s.root == nil {
		return false
	}
	switch s.root.op {
	case opAnd, opOr:
		return len(s.root.args) == 0
	}
	return false
}

// withoutType cuts what tells the type of a sort's field, `name:number`, for which
// only text indexes have a use.
func withoutType(field string) string {
	name, _, _ := strings.Cut(field, ":")
	return name
}
