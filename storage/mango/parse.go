package mango

import (
	"encoding/json"
	"strings"

	"settle/storage/collate/jsonscan"
	"settle/storage/mango/pattern"
)

// Bounds of a selector, which may be kept as long as a feed lives: how deep it may
// be nested, how many conditions it may have, and its length in bytes.
const (
	maxDepth      = 500
	maxConditions = 10_000
	maxSelector   = 2 << 20
)

// maxFields is how many names a list of fields may have.
const maxFields = 1_000

// Selector is a condition on documents. It is safe for concurrent use.
type Selector struct {
	root *node // nil: every document
}

// Parse reads a selector from JSON as docjson prints it; it keeps no part of the
// text. Its time is linear in the text, but for regular expressions, which take
// what regexp.Compile takes.
//
// Errors are of the kinds InvalidSelectorJSON (no object), InvalidSelector,
// InvalidOperator, OperatorNotSupported, BadArgument, BadField, InvalidFieldName,
// BadRequest for what is no JSON, nested too deeply or of more than 10,000
// conditions, and RequestTooLarge for more than 2 MiB. CouchDB finds some of
// them only when it matches; here a selector that was parsed never fails.
func Parse(selector []byte) (*Selector, error) {
	if len(selector) > maxSelector {
		return nil, errLength
	}
	if !json.Valid(selector) {
		return nil, errJSON
	}
	selector = append([]byte(nil), selector...)
	if jsonscan.KindOf(selector) != jsonscan.Object {
		return nil, badFormat(selector)
	}
	if isEmpty(selector) {
		return &Selector{}, nil
	}
	n, err := condition(&parser{Scanner: jsonscan.New(selector)}, 0)
	if err != nil {
		return nil, err
	}
	if n, err = pushFields(n, &fieldPath{}); err != nil {
		return nil, err
	}
	if n, err = pushNegations(n); err != nil {
		return nil, err
	}
	if n.op == opField && len(n.path) == 0 {
		return nil, errNoField
	}
	markRaw(n, false)
	return &Selector{root: n}, nil
}

func isEmpty(json []byte) bool {
	for range jsonscan.Members(json) {
		return false
	}
	for range jsonscan.Elements(json) {
		return false
	}
	return true
}

// parser stands somewhere in a selector's text.
type parser struct {
	jsonscan.Scanner
	conditions int // so far
	regexps    pattern.Compiler
}

// condition reads a value that stands for a condition: an operator, a field, a
// list of them that all must hold, or else a value to equal.
func condition(s *parser, depth int) (*node, error) {
	if depth > maxDepth {
		return nil, errDepth
	}
	if s.conditions++; s.conditions > maxConditions {
		return nil, errConditions
	}
	if s.Kind() != jsonscan.Object {
		return &node{op: opEq, arg: s.Value()}, nil
	}
	s.Open()
	var args []*node
	for {
		raw, more, _ := s.Next(jsonscan.Object, len(args) == 0)
		if !more {
			break
		}
		name, ok := jsonscan.Unescape(nil, raw)
		if !ok {
			return nil, errJSON
		}
		n, err := readMember(string(name), s, depth)
		if err != nil {
			return nil, err
		}
		args = append(args, n)
	}
	switch len(args) {
	case 0:
		return &node{op: opEq, arg: []byte("{}")}, nil
	case 1:
		return args[0], nil
	}
	return &node{op: opAnd, args: args}, nil
}

func readMember(name string, s *parser, depth int) (*node, error) {
	if !strings.HasPrefix(name, "$") {
		n, err := condition(s, depth+1)
		return &node{op: opField, name: name, args: []*node{n}}, err
	}
	read, ok := operators[name]
	if !ok {
		return nil, invalidOperator(name)
	}
	return read(name, s, depth)
}
