// Package funcerr tells errors of map and reduce functions from those of the store, and
// what becomes of an update that ends with one.
package funcerr

import (
	"context"
	"errors"

	"settle/storage/view/reduction"
)

// Error is an error of a function. It says what the function's own says.
type Error struct{ err error }

func (e *Error) Error() string { return e.err.Error() }

// Unwrap returns the function's error.
func (e *Error) Unwrap() error { return e.err }

// Of makes an Error of a function's error, nil of none.
func Of(err error) error {
	if err == nil {
		return nil
	}
	return &Error{err}
}

// Is reports whether an error is a function's.
func Is(err error) bool {
	_, ok := errors.AsType[*Error](err)
	return ok
}

// Reducer returns a reduce function whose errors are of type *Error.
func Reducer(r reduction.Reducer) reduction.Reducer { return reducer{r} }

type reducer struct{ function reduction.Reducer }

func (r reducer) Reduce(ctx context.Context, rows []reduction.Row) ([]byte, error) {
	state, err := r.function.Reduce(ctx, rows)
	return state, Of(err)
}

func (r reducer) Combine(ctx context.Context, states [][]byte) ([]byte, error) {
	state, err := r.function.Combine(ctx, states)
	return state, Of(err)
}

func (r reducer) Finish(ctx context.Context, state []byte) (reduction.Result, error) {
	result, err := r.function.Finish(ctx, state)
	return result, Of(err)
}
