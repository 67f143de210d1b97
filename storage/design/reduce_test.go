package design_test

import (
	"strings"
	"testing"

	"settle/storage/design"
)

func TestReduce(t *testing.T) {
	e := small(t, nil)
	rows := []design.ReduceRow{{`"x"`, "a", "1"}, {`["y",null]`, `b"<é`, "2.5"}}
	for _, test := range []struct{ source, reduced, rereduced string }{
		{"function (keys, values, rereduce) { return [keys, values, rereduce]; }", `[[["x","a"],[["y",null],"b\"<é"]],[1,2.5],false]`, `[null,[3,4],true]`},
		{"function (keys, values) { return sum(values); }", "3.5", "7"},
		{"_ => undefined", "null", "null"},
		{"function () { throw {forbidden: 1}; }", "null", "null"},
		{"function () { return require; }", "null", "null"},
	} {
		r := e.Reducer(anyScope, "", test.source)
		reduced, err := r.Reduce(t.Context(), rows)
		if err != nil || reduced != test.reduced {
			t.Errorf("%s: %s, %v, want %s", test.source, reduced, err, test.reduced)
		}
		rereduced, err := r.Rereduce(t.Context(), []string{"3", "4"})
		if err != nil || rereduced != test.rereduced {
			t.Errorf("%s: %s, %v, want %s", test.source, rereduced, err, test.rereduced)
		}
	}
}

// The sizes are those that CouchDB 3.5 gave for these rows.
func TestReduceOverflow(t *testing.T) {
	e := small(t, nil)
	r := e.Reducer(anyScope, "", "function(keys, values){ return values; }")
	value := `"` + strings.Repeat("0123456789", 20) + `"`
	for _, test := range []struct {
		keys, want string
	}{
		{"aaabbbcccx", "input size: 38717 output size: 36543"},
	} {
		var rows []design.ReduceRow
		for _, id := range []string{"a", "b", "c"} {
			for range 60 {
				rows = append(rows, design.ReduceRow{Key: `"x"`, ID: id, Value: value})
			}
		}
		_, err := r.Reduce(t.Context(), rows)
		if !isNamed(err, "reduce_overflow_error") || !strings.Contains(err.Error(), "Reduce output must shrink more rapidly: "+test.want) {
			t.Errorf("%s: %v", test.keys, err)
		}
		if _, err := r.Reduce(t.Context(), rows[:10]); err != nil {
			t.Errorf("short: %v", err)
		}
	}
}
