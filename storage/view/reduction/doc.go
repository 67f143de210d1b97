// Package reduction holds CouchDB's built-in reduce functions, and the interface
// that every reduce function has, also those in JavaScript. The built-in ones are
// pure.
//
// A reduction is kept as a state: a few bytes that only its [Reducer] understands.
// States of neighbouring parts of a view are combined into one of the whole, and a
// state is finished into the value that is printed.
//
// Source of the functions: couch_query_servers. There a list of rows is folded from
// its last row to its first; so it is here, which decides about the last digits of
// sums of doubles, and about which of several bad values an error names.
package reduction

import (
	"context"
	"strconv"
	"strings"

	"settle/storage/couch"
)

// Row is a row of a view, as a reduce function sees it. Key and Value are JSON.
type Row struct {
	Key, Value []byte
	ID         couch.DocID
}

// Reducer is a reduce function. It is safe for concurrent use, and keeps no slice
// that it is given. Rows and states come in the order of the view, at least one.
type Reducer interface {
	// Reduce returns the state of rows.
	Reduce(ctx context.Context, rows []Row) ([]byte, error)
	// Combine returns the state of what several states stand for.
	Combine(ctx context.Context, states [][]byte) ([]byte, error)
	// Finish returns what is printed of a state.
	Finish(ctx context.Context, state []byte) (Result, error)
}

// Result is a finished reduction: a JSON value or, where Error is not empty, the
// error and the reason that stand in the row instead of it.
type Result struct {
	Value         []byte
	Error, Reason string
}

// maxRank is the greatest N of _top_N and _bottom_N.
const maxRank = 100

// Builtin returns the built-in function of a name; nil where source is none, which
// is then JavaScript. A name that begins with an underscore and is unknown is an
// error of kind BadRequest.
func Builtin(source string) (Reducer, error) {
	source = strings.TrimSpace(source)
	switch {
	case !strings.HasPrefix(source, "_"):
		return nil, nil
	case strings.HasPrefix(source, "_sum"):
		return sum{}, nil
	case strings.HasPrefix(source, "_count"):
		return count{}, nil
	case strings.HasPrefix(source, "_stats"):
		return stats{}, nil
	case strings.HasPrefix(source, "_approx_count_distinct"):
		return distinct{}, nil
	case strings.HasPrefix(source, "_first"):
		return edge{}, nil
	case strings.HasPrefix(source, "_last"):
		return edge{last: true}, nil
	}
	if digits, ok := strings.CutPrefix(source, "_top_"); ok {
		return ranked(source, digits, true)
	}
	if digits, ok := strings.CutPrefix(source, "_bottom_"); ok {
		return ranked(source, digits, false)
	}
	return nil, unknown(source)
}

func ranked(source, digits string, top bool) (Reducer, error) {
	n, err := strconv.Atoi(digits)
	if err != nil || n < 1 || n > maxRank {
		return nil, unknown(source)
	}
	return rank{n: n, top: top}, nil
}

func unknown(source string) error {
	return couch.Errorf(couch.BadRequest, "`%s` is not a supported builtin reduce function.", source)
}

// invalid is the error for a value that a function cannot take.
func invalid(format string, args ...any) error {
	return couch.Errorf(couch.InvalidReduction, format, args...)
}
