package funcerr_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"settle/storage/view/funcerr"
	"settle/storage/view/reduction"
)

var errOwn = errors.New("own")

// failing is a reduce function of which every call gives err.
type failing struct{ err error }

func (f failing) Reduce(context.Context, []reduction.Row) ([]byte, error) { return nil, f.err }
func (f failing) Combine(context.Context, [][]byte) ([]byte, error)       { return nil, f.err }
func (f failing) Finish(context.Context, []byte) (reduction.Result, error) {
	return reduction.Result{}, f.err
}

func TestReducer(t *testing.T) {
	for _, want := range []error{nil, errOwn} {
		r := funcerr.Reducer(failing{want})
		_, reduce := r.Reduce(t.Context(), nil)
		_, combine := r.Combine(t.Context(), nil)
		_, finish := r.Finish(t.Context(), nil)
		for i, err := range []error{reduce, combine, finish} {
			if !errors.Is(err, want) || funcerr.Is(fmt.Errorf("more: %w", err)) != (want != nil) {
				t.Errorf("method %d of a function that gives %v: %v", i, want, err)
			}
		}
	}
	if funcerr.Is(errOwn) || funcerr.Of(nil) != nil || funcerr.Of(errOwn).Error() != "own" {
		t.Error("another error is taken for a function's, or none for one, or it does not say what the function's says")
	}
}
