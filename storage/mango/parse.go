package mango

import (
	"encoding/json"
	"math/big"
	"strconv"
	"strings"

	"settle/storage/collate/jsonscan"
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
	regexpSize int // of all regular expressions so far
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
		n, err := member(string(name), s, depth)
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

func member(name string, s *parser, depth int) (*node, error) {
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

// reader reads the argument of an operator and makes its node.
type reader func(name string, s *parser, depth int) (*node, error)

// leaf is the reader of an operator whose argument holds no conditions.
func leaf(read func(name string, arg []byte) (*node, error)) reader {
	return func(name string, s *parser, _ int) (*node, error) { return read(name, s.Value()) }
}

// operators are all that CouchDB 3.5 knows. (It is set by init, as the readers
// come back to it.)
var operators map[string]reader

func init() {
	operators = map[string]reader{
		"$and": readList(opAnd), "$or": readList(opOr), "$nor": readList(opNor),
		"$not": readNested(opNot), "$elemMatch": readNested(opElemMatch), "$allMatch": readNested(opAllMatch), "$keyMapMatch": readNested(opKeyMapMatch),
		"$lt": readValue(opLt), "$lte": readValue(opLte), "$eq": readValue(opEq),
		"$ne": readValue(opNe), "$gte": readValue(opGte), "$gt": readValue(opGt),
		"$in": readValues(opIn), "$nin": readValues(opNin), "$all": readValues(opAll),
		"$exists": leaf(readExists), "$type": leaf(readType), "$mod": leaf(readMod), "$size": leaf(readSize),
		"$regex": readRegex, "$beginsWith": leaf(readBeginsWith), "$text": leaf(readText), "$default": leaf(readDefault),
		"$where": leaf(refuse), "$geoWithin": leaf(refuse), "$geoIntersects": leaf(refuse), "$near": leaf(refuse), "$nearSphere": leaf(refuse),
	}
}

func refuse(name string, _ []byte) (*node, error) { return nil, notSupported(name) }

func readList(op operator) reader {
	return func(name string, s *parser, depth int) (*node, error) {
		if s.Kind() != jsonscan.Array {
			return nil, badArgument(name, s.Value())
		}
		s.Open()
		n := &node{op: op}
		for {
			_, more, _ := s.Next(jsonscan.Array, len(n.args) == 0)
			if !more {
				return n, nil
			}
			arg, err := condition(s, depth+1)
			if err != nil {
				return nil, err
			}
			n.args = append(n.args, arg)
		}
	}
}

func readNested(op operator) reader {
	return func(name string, s *parser, depth int) (*node, error) {
		if s.Kind() != jsonscan.Object {
			return nil, badArgument(name, s.Value())
		}
		arg, err := condition(s, depth+1)
		return &node{op: op, args: []*node{arg}}, err
	}
}

func readValue(op operator) reader {
	return leaf(func(_ string, arg []byte) (*node, error) { return &node{op: op, arg: arg}, nil })
}

func readValues(op operator) reader {
	return leaf(func(name string, arg []byte) (*node, error) {
		if jsonscan.KindOf(arg) != jsonscan.Array {
			return nil, badArgument(name, arg)
		}
		n := &node{op: op}
		for element := range jsonscan.Elements(arg) {
			n.list = append(n.list, jsonscan.Value(element))
		}
		if op != opAll {
			n.keys = newKeySet(n.list)
		}
		return n, nil
	})
}

func readExists(name string, arg []byte) (*node, error) {
	kind := jsonscan.KindOf(arg)
	if kind != jsonscan.True && kind != jsonscan.False {
		return nil, badArgument(name, arg)
	}
	return &node{op: opExists, want: kind == jsonscan.True}, nil
}

func readType(name string, arg []byte) (*node, error) {
	text, ok := stringOf(arg)
	if !ok {
		return nil, badArgument(name, arg)
	}
	return &node{op: opType, text: text}, nil
}

// readMod reads a divisor and a remainder. By zero CouchDB would fail when it
// matches.
func readMod(name string, arg []byte) (*node, error) {
	var parts [][]byte
	for element := range jsonscan.Elements(arg) {
		parts = append(parts, jsonscan.Value(element))
	}
	if len(parts) != 2 || !isInteger(parts[0]) || !isInteger(parts[1]) {
		return nil, badArgument(name, arg)
	}
	n := &node{op: opMod}
	n.mod.divisor, _ = new(big.Int).SetString(string(parts[0]), 10)
	n.mod.remainder, _ = new(big.Int).SetString(string(parts[1]), 10)
	if n.mod.divisor.Sign() == 0 {
		return nil, badArgument(name, arg)
	}
	return n, nil
}

func readSize(name string, arg []byte) (*node, error) {
	if !isInteger(arg) || arg[0] == '-' && string(arg) != "-0" {
		return nil, badArgument(name, arg)
	}
	size, err := strconv.ParseInt(string(arg), 10, 64)
	if err != nil {
		size = -1 // more than any array has
	}
	return &node{op: opSize, size: size}, nil
}

func readRegex(name string, s *parser, _ int) (*node, error) {
	arg := s.Value()
	pattern, ok := stringOf(arg)
	if !ok {
		return nil, invalidOperator(name)
	}
	compiled, err := s.compileRegex(pattern, arg)
	return &node{op: opRegex, regexp: compiled}, err
}

func readBeginsWith(name string, arg []byte) (*node, error) {
	prefix, ok := stringOf(arg)
	if !ok {
		return nil, invalidOperator(name)
	}
	return &node{op: opBeginsWith, text: prefix}, nil
}

func readText(name string, arg []byte) (*node, error) {
	switch jsonscan.KindOf(arg) {
	case jsonscan.String, jsonscan.Number, jsonscan.True, jsonscan.False:
		return &node{op: opText, arg: []byte(`{"$default":{"$text":` + string(arg) + `}}`)}, nil
	}
	return nil, badArgument(name, arg)
}

// readDefault reads what CouchDB turns `$text` into, and so takes as well.
func readDefault(name string, arg []byte) (*node, error) {
	whole := []byte(`{"$default":` + string(arg) + `}`)
	n := 0
	for raw := range jsonscan.Members(arg) {
		if n++; n > 1 || string(raw) != "$text" {
			return nil, badField(whole)
		}
	}
	if n != 1 {
		return nil, badField(whole)
	}
	return &node{op: opText, arg: whole}, nil
}

// stringOf returns the string that a JSON text is.
func stringOf(json []byte) (string, bool) {
	s := jsonscan.New(json)
	raw, ok := s.String()
	if !ok {
		return "", false
	}
	plain, ok := jsonscan.Unescape(nil, raw)
	return string(plain), ok
}

// isInteger reports whether the value at the beginning of json is a number that
// is written as an integer.
func isInteger(json []byte) bool {
	s := jsonscan.New(json)
	number := s.Number()
	return len(number) > 0 && !strings.ContainsAny(string(number), ".eE")
}
