package mango

import (
	"strconv"
	"strings"

	"settle/storage/collate"
	"settle/storage/collate/jsonscan"
)

// verdict is whether a value matches. broken is CouchDB's failure, which the
// operators on elements and keys take for no match.
type verdict int

const (
	no verdict = iota
	yes
	broken
)

func verdictOf(matches bool) verdict {
	if matches {
		return yes
	}
	return no
}

// Match reports whether a document matches. doc is its JSON as docjson prints it,
// with `_id`, `_rev` and the other special members, on which there can be
// conditions too. A doc that is no JSON object matches only the empty selector or
// by chance.
func (s *Selector) Match(doc []byte) bool {
	return s.root == nil || s.root.match(doc) == yes
}

// match judges the value at the beginning of v.
func (n *node) match(v []byte) verdict {
	switch n.op {
	case opAnd:
		return n.matchAll(v)
	case opOr:
		return n.matchAny(v)
	case opNot:
		switch n.args[0].match(v) {
		case no:
			return yes
		case yes:
			return no
		}
		return broken
	case opNor:
		return broken
	case opField:
		return n.matchField(v)
	case opElemMatch:
		return n.matchElements(v)
	case opAllMatch:
		return n.matchAllElements(v)
	case opKeyMapMatch:
		return n.matchKeys(v)
	}
	return verdictOf(n.holds(v))
}

func (n *node) matchAll(v []byte) verdict {
	for _, arg := range n.args {
		if d := arg.match(v); d != yes {
			return d
		}
	}
	return yes
}

func (n *node) matchAny(v []byte) verdict {
	for _, arg := range n.args {
		if d := arg.match(v); d != no {
			return d
		}
	}
	return verdictOf(len(n.args) == 0)
}

// matchField finds the field. Where the object that should have it has not, only
// `$exists: false` holds; where there is no such object, nothing does.
func (n *node) matchField(v []byte) verdict {
	value, missing := lookUp(v, n.path)
	if value != nil {
		return n.args[0].match(value)
	}
	return verdictOf(missing && n.args[0].op == opExists && !n.args[0].want)
}

// lookUp returns the text from the beginning of a field's value on. Where there is
// none it reports whether the path led to an object without that member.
func lookUp(v []byte, path []string) (value []byte, missing bool) {
	for _, name := range path {
		switch jsonscan.KindOf(v) {
		case jsonscan.Object:
			if v = jsonscan.Member(v, name); v == nil {
				return nil, true
			}
		case jsonscan.Array:
			if v = element(v, name); v == nil {
				return nil, false
			}
		default:
			return nil, false
		}
	}
	return v, false
}

// element returns an array's element by its index, counted from 0.
func element(array []byte, index string) []byte {
	i, err := strconv.ParseInt(index, 10, 64)
	if err != nil || i < 0 {
		return nil
	}
	for v := range jsonscan.Elements(array) {
		if i == 0 {
			return v
		}
		i--
	}
	return nil
}

func (n *node) matchElements(v []byte) verdict {
	for element := range jsonscan.Elements(v) {
		if d := n.args[0].match(element); d != no {
			return verdictOf(d == yes)
		}
	}
	return no
}

func (n *node) matchAllElements(v []byte) verdict {
	some := false
	for element := range jsonscan.Elements(v) {
		if n.args[0].match(element) != yes {
			return no
		}
		some = true
	}
	return verdictOf(some)
}

func (n *node) matchKeys(v []byte) verdict {
	var key []byte
	for name := range jsonscan.Members(v) {
		key = append(append(append(key[:0], '"'), name...), '"')
		if d := n.args[0].match(key); d != no {
			return verdictOf(d == yes)
		}
	}
	return no
}

// holds judges by the operators that have no others below them.
func (n *node) holds(v []byte) bool {
	switch n.op {
	case opLt:
		return n.compare(v) < 0
	case opLte:
		return n.compare(v) <= 0
	case opEq:
		return n.compare(v) == 0
	case opNe:
		return n.compare(v) != 0
	case opGte:
		return n.compare(v) >= 0
	case opGt:
		return n.compare(v) > 0
	case opIn:
		return n.isIn(v)
	case opNin:
		return !n.isIn(v)
	case opExists:
		return n.want
	case opType:
		return typeNames[jsonscan.KindOf(v)] == n.text
	case opMod:
		return n.mod.holds(v)
	case opSize:
		return jsonscan.KindOf(v) == jsonscan.Array && count(v) == n.size
	case opAll:
		return n.hasAll(v)
	case opRegex:
		return n.matchRegex(v)
	case opBeginsWith:
		s, ok := stringOf(v)
		return ok && strings.HasPrefix(s, n.text)
	}
	return n.op == opText
}

func (n *node) matchRegex(v []byte) bool {
	s := jsonscan.New(v)
	raw, ok := s.String()
	if !ok {
		return false
	}
	var buf [256]byte
	plain, _ := jsonscan.Unescape(buf[:0], raw)
	return n.regexp.Match(plain)
}

var typeNames = [...]string{
	jsonscan.Null: "null", jsonscan.True: "boolean", jsonscan.False: "boolean", jsonscan.Number: "number",
	jsonscan.String: "string", jsonscan.Array: "array", jsonscan.Object: "object", jsonscan.Invalid: "-",
}

func (n *node) compare(v []byte) int {
	if n.raw {
		return collate.CompareRaw(v, n.arg)
	}
	return collate.Compare(v, n.arg)
}
