package reduction

import "context"

// edge is _first or _last: the value of a view's first or last row. Its state is
// that value.
type edge struct{ last bool }

func (e edge) index(n int) int {
	if e.last {
		return n - 1
	}
	return 0
}

// Reduce implements Reducer.
func (e edge) Reduce(_ context.Context, rows []Row) ([]byte, error) {
	return append([]byte(nil), rows[e.index(len(rows))].Value...), nil
}

// Combine implements Reducer.
func (e edge) Combine(_ context.Context, states [][]byte) ([]byte, error) {
	return append([]byte(nil), states[e.index(len(states))]...), nil
}

// Finish implements Reducer.
func (edge) Finish(_ context.Context, state []byte) (Result, error) {
	return Result{Value: state}, nil
}
