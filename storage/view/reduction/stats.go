package reduction

import (
	"context"

	"settle/storage/collate/jsonscan"
)

// stats is _stats. Its state is what is printed: an object, or a list where the
// values are lists.
type stats struct{}

// statFields are the members of the object, in the order of statistic.fields.
var statFields = [...]string{"sum", "count", "min", "max", "sumsqr"}

// statistic is of numbers, or a list of statistics.
type statistic struct {
	fields [len(statFields)]number
	isList bool
	list   []statistic
}

// Reduce implements Reducer.
func (stats) Reduce(_ context.Context, rows []Row) ([]byte, error) {
	return statsOf(len(rows), func(i int) []byte { return rows[i].Value })
}

// Combine implements Reducer.
func (stats) Combine(_ context.Context, states [][]byte) ([]byte, error) {
	return statsOf(len(states), func(i int) []byte { return states[i] })
}

// Finish implements Reducer.
func (stats) Finish(_ context.Context, state []byte) (Result, error) {
	return Result{Value: state}, nil
}

// statsOf folds n values, from the last to the first.
func statsOf(n int, at func(int) []byte) ([]byte, error) {
	acc, err := newStatistic(parse(at(n - 1)))
	for i := n - 2; i >= 0 && err == nil; i-- {
		var next statistic
		if next, err = newStatistic(parse(at(i))); err == nil {
			acc, err = next.add(acc)
		}
	}
	if err != nil {
		return nil, err
	}
	return acc.append(nil), nil
}

// newStatistic reads a number, a statistic made before, or a list of such.
func newStatistic(v value) (statistic, error) {
	switch v.kind {
	case jsonscan.Number:
		square, ok := v.num.square()
		if !ok {
			return statistic{}, invalid("non-numeric _stats input: %s", v.term(nil))
		}
		return statistic{fields: [...]number{v.num, integer(1), v.num, v.num, square}}, nil
	case jsonscan.Array:
		s := statistic{isList: true, list: make([]statistic, len(v.list))}
		for i, e := range v.list {
			var err error
			if s.list[i], err = newStatistic(e); err != nil {
				return statistic{}, err
			}
		}
		return s, nil
	case jsonscan.Object:
		return unpack(v)
	}
	return statistic{}, invalid("non-numeric _stats input: %s", v.term(nil))
}

func unpack(v value) (statistic, error) {
	var s statistic
	for i, name := range statFields {
		field, ok := v.get(name)
		switch {
		case !ok:
			return statistic{}, invalid("user _stats input missing required field %s (%s)", name, v.term(nil))
		case field.kind != jsonscan.Number:
			return statistic{}, invalid("non-numeric _stats input received for %s: %s", name, field.term(nil))
		}
		s.fields[i] = field.num
	}
	return s, nil
}

// add is stat_values.
func (s statistic) add(acc statistic) (statistic, error) {
	if s.isList != acc.isList || len(s.list) != len(acc.list) {
		return statistic{}, invalid("_stats input of different shapes")
	}
	if s.isList {
		for i := range s.list {
			var err error
			if s.list[i], err = s.list[i].add(acc.list[i]); err != nil {
				return statistic{}, err
			}
		}
		return s, nil
	}
	for i := range s.fields {
		a, b := s.fields[i], acc.fields[i]
		ok := true
		switch statFields[i] {
		case "min":
			if b.compare(a) < 0 {
				s.fields[i] = b
			}
		case "max":
			if b.compare(a) > 0 {
				s.fields[i] = b
			}
		default:
			s.fields[i], ok = a.add(b)
		}
		if !ok {
			return statistic{}, invalid("_stats input is out of range")
		}
	}
	return s, nil
}

func (s statistic) append(dst []byte) []byte {
	if s.isList {
		dst = append(dst, '[')
		for i, e := range s.list {
			dst = e.append(comma(dst, i))
		}
		return append(dst, ']')
	}
	dst = append(dst, '{')
	for i, name := range statFields {
		dst = append(append(append(comma(dst, i), '"'), name...), `":`...)
		dst = s.fields[i].append(dst)
	}
	return append(dst, '}')
}
