package mango

import "strings"

// maxPath bounds the name of a field with those that it is nested in, in bytes.
const maxPath = 64 << 10

// fieldPath is the name of a field with those above it, joined by dots; "" is the
// value itself. It is parsed once, however many conditions are on the field.
type fieldPath struct {
	name   string
	parsed []string
}

func (p *fieldPath) join(field string) (*fieldPath, error) {
	if p.name != "" { // and a field named "" at the top adds nothing
		field = p.name + "." + field
	}
	if len(field) > maxPath {
		return nil, invalidFieldName(field)
	}
	return &fieldPath{name: field}, nil
}

func (p *fieldPath) path() (_ []string, err error) {
	if p.parsed == nil && p.name != "" {
		p.parsed, err = parsePath(p.name)
	}
	return p.parsed, err
}

// pushFields moves the names of fields down to the operators that are about their
// values: {a: {b: {$gt: 1}}} becomes a condition on the path a, b. at is what
// stands above n.
func pushFields(n *node, at *fieldPath) (*node, error) {
	var err error
	switch n.op {
	case opField:
		if at, err = at.join(n.name); err != nil {
			return nil, err
		}
		return pushFields(n.args[0], at)
	case opAnd, opOr, opNor, opNot:
		for i := range n.args {
			if n.args[i], err = pushFields(n.args[i], at); err != nil {
				return nil, err
			}
		}
		return n, nil
	case opText:
		if at.name != "" {
			return nil, badField(n.arg)
		}
		return n, nil
	case opElemMatch, opAllMatch, opKeyMapMatch:
		if n.args[0], err = pushFields(n.args[0], &fieldPath{}); err != nil {
			return nil, err
		}
	}
	path, err := at.path()
	return &node{op: opField, name: at.name, path: path, args: []*node{n}}, err
}

// parsePath reads the name of a field. Dots part the names of nested fields,
// except behind a backslash; the backslashes go. The error is InvalidFieldName.
func parsePath(field string) ([]string, error) {
	var path []string
	start := 0
	for i := 0; i <= len(field); i++ {
		if i < len(field) && (field[i] != '.' || i > 0 && field[i-1] == '\\') {
			continue
		}
		if i == start {
			return nil, invalidFieldName(field)
		}
		path = append(path, strings.ReplaceAll(field[start:i], `\`, ""))
		start = i + 1
	}
	return path, nil
}

// pushNegations moves `$not` and `$nor` down to the operators, which are replaced
// by their opposites where they have one. The arguments of `$elemMatch` and its
// like stay as they are.
func pushNegations(n *node) (*node, error) {
	switch n.op {
	case opNot:
		return negate(n.args[0])
	case opNor:
		return rewrite(opAnd, n.args, negate)
	case opAnd, opOr:
		return rewrite(n.op, n.args, pushNegations)
	}
	return n, nil
}

func rewrite(op operator, args []*node, each func(*node) (*node, error)) (*node, error) {
	n := &node{op: op, args: make([]*node, len(args))}
	for i, arg := range args {
		var err error
		if n.args[i], err = each(arg); err != nil {
			return nil, err
		}
	}
	return n, nil
}

var opposites = map[operator]operator{
	opLt: opGte, opLte: opGt, opEq: opNe, opNe: opEq, opGte: opLt, opGt: opLte, opIn: opNin, opNin: opIn, opExists: opExists,
}

func negate(n *node) (*node, error) {
	switch n.op {
	case opNot:
		return pushNegations(n.args[0])
	case opNor:
		return rewrite(opOr, n.args, pushNegations)
	case opAnd:
		return rewrite(opOr, n.args, negate)
	case opOr:
		return rewrite(opAnd, n.args, negate)
	case opText:
		return nil, badArgument("$not", n.arg)
	case opField:
		arg, err := negate(n.args[0])
		return &node{op: opField, name: n.name, path: n.path, args: []*node{arg}}, err
	}
	op, ok := opposites[n.op]
	if !ok {
		return &node{op: opNot, args: []*node{n}}, nil
	}
	opposite := *n
	opposite.op, opposite.want = op, !n.want
	return &opposite, nil
}

// markRaw notes at which operators values compare by Erlang's order: those on the
// field `_id`, and what is below them.
func markRaw(n *node, raw bool) {
	raw = raw || n.op == opField && n.name == "_id"
	n.raw = raw
	for _, arg := range n.args {
		markRaw(arg, raw)
	}
}
