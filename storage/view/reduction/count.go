package reduction

import (
	"context"
	"strconv"
)

// count is _count. Its state is the number's digits.
type count struct{}

// Reduce implements Reducer.
func (count) Reduce(_ context.Context, rows []Row) ([]byte, error) {
	return strconv.AppendInt(nil, int64(len(rows)), 10), nil
}

// Combine implements Reducer.
func (count) Combine(_ context.Context, states [][]byte) ([]byte, error) {
	var total int64
	for _, state := range states {
		n, err := strconv.ParseInt(string(state), 10, 64)
		if err != nil {
			return nil, corrupt("count")
		}
		total += n
	}
	return strconv.AppendInt(nil, total, 10), nil
}

// Finish implements Reducer.
func (count) Finish(_ context.Context, state []byte) (Result, error) {
	return Result{Value: state}, nil
}
