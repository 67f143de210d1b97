package reduction

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"settle/storage/collate/jsonscan"
)

// sum is _sum. Its state is the JSON value. Values that cannot be added up make an
// object that describes the error, and stays one.
type sum struct{}

const sumReason = "The _sum function requires that map values be numbers, arrays of numbers, or objects. " +
	"Objects cannot be mixed with other data structures. Objects can be arbitrarily nested, provided that the values " +
	"for all fields are themselves numbers, arrays of numbers, or objects."

// Reduce implements Reducer.
func (sum) Reduce(_ context.Context, rows []Row) ([]byte, error) {
	return sumUp(len(rows), func(i int) []byte { return rows[i].Value }), nil
}

// Combine implements Reducer.
func (sum) Combine(_ context.Context, states [][]byte) ([]byte, error) {
	return sumUp(len(states), func(i int) []byte { return states[i] }), nil
}

// Finish implements Reducer.
func (sum) Finish(_ context.Context, state []byte) (Result, error) { return Result{Value: state}, nil }

// reduceErrorName is the error that a sum can be.
const reduceErrorName = "builtin_reduce_error"

// badSum says what a sum is instead of a sum.
type badSum struct {
	cause  value
	object value // an error that was made before; its kind is Invalid where it is made now
}

func (*badSum) Error() string { return sumReason }

// sumUp folds n values, from the last to the first.
func sumUp(n int, at func(int) []byte) []byte {
	acc, size := value{kind: jsonscan.Number}, 0
	for i := n - 1; i >= 0; i-- {
		text := at(i)
		size += len(text)
		next, err := addValues(parse(text), acc)
		if bad, ok := errors.AsType[*badSum](err); ok {
			return bad.print()
		}
		acc = next
	}
	return limited(acc.append(nil), size)
}

func (b *badSum) print() []byte {
	if b.object.kind == jsonscan.Object {
		return b.object.append(nil)
	}
	out := fmt.Appendf(nil, `{"error":%q,"reason":%q,"caused_by":`, reduceErrorName, sumReason)
	return append(b.cause.append(out), '}')
}

// A sum of more than so many bytes must be at most half as long as what it sums up.
const sumThreshold = 4906

func limited(out []byte, in int) []byte {
	if len(out) <= sumThreshold || 2*len(out) <= in || bytes.HasPrefix(out, []byte(`{"error":"`+reduceErrorName)) {
		return out
	}
	return fmt.Appendf(nil, `{"error":%q,"reason":"Reduce output must shrink more rapidly: input size: %d output size: %d"}`, reduceErrorName, in, len(out))
}

// addValues is sum_values. The error is a badSum.
func addValues(v, acc value) (value, error) {
	isList := acc.kind == jsonscan.Array
	switch {
	case v.kind == jsonscan.Number && acc.kind == jsonscan.Number:
		n, ok := v.num.add(acc.num)
		if !ok {
			return value{}, &badSum{cause: v}
		}
		return value{kind: jsonscan.Number, num: n}, nil
	case v.kind == jsonscan.Array && isList:
		return addLists(acc.list, v.list)
	case v.kind == jsonscan.Number && isList:
		return addLists(acc.list, []value{v})
	case v.kind == jsonscan.Array && acc.kind == jsonscan.Number:
		return addLists([]value{acc}, v.list)
	case v.kind == jsonscan.Object:
		return addObject(v, acc)
	}
	return value{}, &badSum{cause: v}
}

func addObject(v, acc value) (value, error) {
	if e, ok := v.get("error"); ok && string(e.raw) == `"`+reduceErrorName+`"` {
		return value{}, &badSum{object: v}
	}
	switch {
	case acc.isZero():
		return v, nil
	case acc.kind != jsonscan.Object:
		return value{}, &badSum{cause: v}
	}
	members, err := addMembers(v.sorted(), acc.sorted())
	return value{kind: jsonscan.Object, members: members}, err
}

func addMembers(a, b []member) ([]member, error) {
	var out []member
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0].name < b[0].name:
			out, a = append(out, a[0]), a[1:]
		case a[0].name > b[0].name:
			out, b = append(out, b[0]), b[1:]
		default:
			v, err := addValues(a[0].value, b[0].value)
			if err != nil {
				return nil, err
			}
			out, a, b = append(out, member{a[0].name, v}), a[1:], b[1:]
		}
	}
	return append(append(out, a...), b...), nil
}

// addLists adds element by element, as far as both go.
func addLists(a, b []value) (value, error) {
	out := value{kind: jsonscan.Array}
	for i := range max(len(a), len(b)) {
		switch {
		case i >= len(a):
			out.list = append(out.list, b[i])
			continue
		case i >= len(b):
			out.list = append(out.list, a[i])
			continue
		case a[i].kind != jsonscan.Number || b[i].kind != jsonscan.Number:
			return value{}, &badSum{cause: value{kind: jsonscan.Array, list: a[i:]}}
		}
		n, ok := a[i].num.add(b[i].num)
		if !ok {
			return value{}, &badSum{cause: value{kind: jsonscan.Array, list: a[i:]}}
		}
		out.list = append(out.list, value{kind: jsonscan.Number, num: n})
	}
	return out, nil
}
