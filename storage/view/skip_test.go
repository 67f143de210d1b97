package view_test

import (
	"fmt"
	"math"
	"testing"

	"settle/storage/view"
)

// A skip, and a limit, may be as large as numbers are.
func TestSkip(t *testing.T) {
	b := newBench(t, false)
	d := joinDefinition("n")
	for i := range 4 {
		b.put([2]string{fmt.Sprint("d", i), fmt.Sprintf(`{"n":%d}`, i)})
	}
	start, twice := []byte("1"), [][]byte{[]byte("2"), []byte("2"), []byte("3")}
	for _, tt := range []struct {
		q      view.Query
		offset int64
		rows   string
	}{
		{view.Query{Start: start, Limit: -1}, 1, "1 2 3"},
		{view.Query{Start: start, Skip: 2, Limit: -1}, 3, "3"},
		{view.Query{Start: start, Skip: 2, Limit: math.MaxInt64}, 3, "3"},
		{view.Query{Start: start, Skip: 3, Limit: -1}, 4, ""},
		{view.Query{Start: start, Skip: math.MaxInt64, Limit: -1}, 4, ""},
		{view.Query{Start: start, Skip: math.MaxInt64 - 1, Limit: math.MaxInt64}, 4, ""},
		{view.Query{Start: start, Skip: math.MaxInt64, Limit: -1, Uncounted: true}, 4, ""},
		{view.Query{Start: start, Descending: true, Skip: 1, Limit: -1}, 3, "0"},
		{view.Query{Start: start, Descending: true, Skip: math.MaxInt64, Limit: -1}, 4, ""},
		{view.Query{Start: start, Descending: true, Skip: math.MaxInt64, Limit: math.MaxInt64}, 4, ""},
		{view.Query{Skip: math.MaxInt64, Limit: -1}, 4, ""},
		{view.Query{Keys: twice, Skip: 1, Limit: -1}, 3, "2 3"},
		{view.Query{Keys: twice, Skip: math.MaxInt64, Limit: -1}, 4, ""},
	} {
		got := b.query(d, view.Ref{Reduce: -1}, tt.q)
		if rows := keysOf(got.rows); rows != tt.rows || got.Offset != tt.offset {
			t.Errorf("%+v: offset %d, rows %q; want %d, %q", tt.q, got.Offset, rows, tt.offset, tt.rows)
		}
	}
}
