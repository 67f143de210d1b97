package mango

import (
	"encoding/json"
	"math/big"
	"strconv"
	"strings"

	"settle/storage/collate/jsonscan"
)

// maxDepth is how deep a selector may be nested.
const maxDepth = 500

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
// and BadRequest for what is no JSON or nested too deeply. CouchDB finds some of
// them only when it matches; here a selector that was parsed never fails.
func Parse(selector []byte) (*Selector, error) {
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
	n, err := condition(selector, 0)
	if err != nil {
		return nil, err
	}
	if n, err = pushFields(n, ""); err != nil {
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

// condition reads a value that stands for a condition: an operator, a field, a
// list of them that all must hold, or else a value to equal.
func condition(value []byte, depth int) (*node, error) {
	if depth > maxDepth {
		return nil, errDepth
	}
	if jsonscan.KindOf(value) != jsonscan.Object || isEmpty(value) {
		return &node{op: opEq, arg: jsonscan.Value(value)}, nil
	}
	var args []*node
	for raw, arg := range jsonscan.Members(value) {
		name, ok := jsonscan.Unescape(nil, raw)
		if !ok {
			return nil, errJSON
		}
		n, err := member(string(name), arg, depth)
		if err != nil {
			return nil, err
		}
		args = append(args, n)
	}
	if len(args) == 1 {
		return args[0], nil
	}
	return &node{op: opAnd, args: args}, nil
}

func member(name string, arg []byte, depth int) (*node, error) {
	if !strings.HasPrefix(name, "$") {
		n, err := condition(arg, depth+1)
		return &node{op: opField, name: name, args: []*node{n}}, err
	}
	read, ok := operators[name]
	if !ok {
		return nil, invalidOperator(name)
	}
	arg = jsonscan.Value(arg)
	return read(name, arg, depth)
}

// reader makes the node of an operator with its argument.
type reader func(name string, arg []byte, depth int) (*node, error)

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
		"$exists": readExists, "$type": readType, "$mod": readMod, "$size": readSize,
		"$regex": readRegex, "$beginsWith": readBeginsWith, "$text": readText, "$default": readDefault,
		"$where": refuse, "$geoWithin": refuse, "$geoIntersects": refuse, "$near": refuse, "$nearSphere": refuse,
	}
}

func refuse(name string, _ []byte, _ int) (*node, error) { return nil, notSupported(name) }

func readList(op operator) reader {
	return func(name string, arg []byte, depth int) (*node, error) {
		if jsonscan.KindOf(arg) != jsonscan.Array {
			return nil, badArgument(name, arg)
		}
		n := &node{op: op}
		for element := range jsonscan.Elements(arg) {
			sub, err := condition(element, depth+1)
			if err != nil {
				return nil, err
			}
			n.args = append(n.args, sub)
		}
		return n, nil
	}
}

func readNested(op operator) reader {
	return func(name string, arg []byte, depth int) (*node, error) {
		if jsonscan.KindOf(arg) != jsonscan.Object {
			return nil, badArgument(name, arg)
		}
		sub, err := condition(arg, depth+1)
		return &node{op: op, args: []*node{sub}}, err
	}
}

func readValue(op operator) reader {
	return func(_ string, arg []byte, _ int) (*node, error) { return &node{op: op, arg: arg}, nil }
}

func readValues(op operator) reader {
	return func(name string, arg []byte, _ int) (*node, error) {
		if jsonscan.KindOf(arg) != jsonscan.Array {
			return nil, badArgument(name, arg)
		}
		n := &node{op: op}
		for element := range jsonscan.Elements(arg) {
			n.list = append(n.list, jsonscan.Value(element))
		}
		if op == opIn || op == opNin {
			n.keys = newKeySet(n.list)
		}
		return n, nil
	}
}

func readExists(name string, arg []byte, _ int) (*node, error) {
	kind := jsonscan.KindOf(arg)
	if kind != jsonscan.True && kind != jsonscan.False {
		return nil, badArgument(name, arg)
	}
	return &node{op: opExists, want: kind == jsonscan.True}, nil
}

func readType(name string, arg []byte, _ int) (*node, error) {
	text, ok := stringOf(arg)
	if !ok {
		return nil, badArgument(name, arg)
	}
	return &node{op: opType, text: text}, nil
}

// readMod reads a divisor and a remainder. By zero CouchDB would fail when it
// matches.
func readMod(name string, arg []byte, _ int) (*node, error) {
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

func readSize(name string, arg []byte, _ int) (*node, error) {
	if !isInteger(arg) || arg[0] == '-' && string(arg) != "-0" {
		return nil, badArgument(name, arg)
	}
	size, err := strconv.ParseInt(string(arg), 10, 64)
	if err != nil {
		size = -1 // more than any array has
	}
	return &node{op: opSize, size: size}, nil
}

func readRegex(name string, arg []byte, _ int) (*node, error) {
	pattern, ok := stringOf(arg)
	if !ok {
		return nil, invalidOperator(name)
	}
	compiled, err := compileRegex(pattern, arg)
	return &node{op: opRegex, regexp: compiled}, err
}

func readBeginsWith(name string, arg []byte, _ int) (*node, error) {
	prefix, ok := stringOf(arg)
	if !ok {
		return nil, invalidOperator(name)
	}
	return &node{op: opBeginsWith, text: prefix}, nil
}

func readText(name string, arg []byte, _ int) (*node, error) {
	switch jsonscan.KindOf(arg) {
	case jsonscan.String, jsonscan.Number, jsonscan.True, jsonscan.False:
		return &node{op: opText, arg: []byte(`{"$default":{"$text":` + string(arg) + `}}`)}, nil
	}
	return nil, badArgument(name, arg)
}

// readDefault reads what CouchDB turns `$text` into, and so takes as well.
func readDefault(name string, arg []byte, _ int) (*node, error) {
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
