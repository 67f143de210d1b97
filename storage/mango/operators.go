package mango

import (
	"math/big"
	"strconv"
	"strings"

	"settle/storage/collate/jsonscan"
)

// reader reads the argument of an operator and makes its node.
type reader func(name string, s *parser, depth int) (*node, error)

// leaf is the reader of an operator whose argument holds no conditions.
func leaf(read func(name string, arg []byte) (*node, error)) reader {
	return func(name string, s *parser, _ int) (*node, error) {
		arg := s.Value()
		n, err := read(name, arg)
		if err == nil && n.arg == nil {
			n.arg = arg
		}
		return n, err
	}
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
	text, ok := stringOf(arg)
	if !ok {
		return nil, invalidOperator(name)
	}
	compiled, err := s.regexps.Compile(text)
	if err != nil {
		return nil, badRegex(err, arg)
	}
	return &node{op: opRegex, arg: arg, regexp: compiled}, nil
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
