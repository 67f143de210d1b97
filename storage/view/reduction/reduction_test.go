package reduction_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"testing"

	"settle/storage/couch"
	"settle/storage/view/reduction"
)

const sumError = `{"error":"builtin_reduce_error","reason":"The _sum function requires that map values be numbers, arrays of numbers, or objects. Objects cannot be mixed with other data structures. Objects can be arbitrarily nested, provided that the values for all fields are themselves numbers, arrays of numbers, or objects.","caused_by":`

func builtin(t testing.TB, name string) reduction.Reducer {
	t.Helper()
	r, err := reduction.Builtin(name)
	if err != nil || r == nil {
		t.Fatalf("%s: %v, %v", name, r, err)
	}
	return r
}

// reduce cuts the rows into parts of up to size, combines them and finishes.
func reduce(r reduction.Reducer, rows []reduction.Row, size int) (string, error) {
	ctx := context.Background()
	var states [][]byte
	for len(rows) > 0 {
		n := min(size, len(rows))
		state, err := r.Reduce(ctx, rows[:n])
		if err != nil {
			return "", err
		}
		states, rows = append(states, state), rows[n:]
	}
	state, err := r.Combine(ctx, states)
	if err != nil {
		return "", err
	}
	result, err := r.Finish(ctx, state)
	return string(result.Value), err
}

func rowsOf(values ...string) []reduction.Row {
	rows := make([]reduction.Row, len(values))
	for i, v := range values {
		rows[i] = reduction.Row{Key: strconv.AppendInt(nil, int64(i), 10), Value: []byte(v), ID: couch.DocID(fmt.Sprint("d", i))}
	}
	return rows
}

// The values of the recorded views, and a few more.
func TestBuiltins(t *testing.T) {
	for _, test := range []struct {
		name   string
		values []string
		want   string
	}{
		{"_sum", []string{"1", "2", "39"}, "42"},
		{"_sum", []string{"0.1", "0.2"}, "0.30000000000000004"},
		{"_sum", []string{"9007199254740992", "1"}, "9007199254740993"},
		{"_sum", []string{"9223372036854775807", "1"}, "9223372036854775808"},
		{"_sum", []string{"-9223372036854775808", "-1", "2"}, "-9223372036854775807"},
		{"_sum", []string{"1", "2.0"}, "3.0"},
		{"_sum", []string{"[1,2]", "[10,20,30]"}, "[11,22,30]"},
		{"_sum", []string{"[1,2]", "5"}, "[6,2]"},
		{"_sum", []string{"5", "[1,2]"}, "[6,2]"},
		{"_sum", []string{`{"x":1,"y":{"z":2}}`, `{"x":10,"w":3}`}, `{"w":3,"x":11,"y":{"z":2}}`},
		{"_sum", []string{`{"b":1,"a":2}`}, `{"b":1,"a":2}`},
		{"_sum", []string{`"7"`}, sumError + `"7"}`},
		{"_sum", []string{"null"}, sumError + `null}`},
		{"_sum", []string{"1", "true", "2", `"last"`, "3"}, sumError + `"last"}`},
		{"_sum", []string{`[1,"a"]`}, `[1,"a"]`},
		{"_sum", []string{"1", `{"a":1}`}, sumError + "1}"},
		{"_sum", []string{"1e308", "1e308"}, sumError + "1e+308}"},
		{"_count", []string{"1", "null", `"x"`}, "3"},
		{"_stats", []string{"0.1", "0.2"}, `{"sum":0.30000000000000004,"count":2,"min":0.1,"max":0.2,"sumsqr":0.05000000000000001}`},
		{"_stats", []string{"9007199254740992", "1"}, `{"sum":9007199254740993,"count":2,"min":1,"max":9007199254740992,"sumsqr":81129638414606681695789005144065}`},
		{"_stats", []string{"[1,2]", "[5,7]"}, `[{"sum":6,"count":2,"min":1,"max":5,"sumsqr":26},{"sum":9,"count":2,"min":2,"max":7,"sumsqr":53}]`},
		{"_stats", []string{`{"sum":4,"count":2,"min":1,"max":3,"sumsqr":10}`, `{"sum":4,"count":2,"min":1,"max":3,"sumsqr":10}`}, `{"sum":8,"count":4,"min":1,"max":3,"sumsqr":20}`},
		{"_top_2", []string{"1", `"a"`, "3", "3.0", "null"}, `["a",3.0]`},
		{"_bottom_3", []string{"1", `"a"`, "3", "null"}, `[null,1,3]`},
		{"_first", []string{"1", "2", "3"}, "1"},
		{"_last", []string{"1", "2", "3"}, "3"},
		{"_approx_count_distinct", []string{"1", "2", "3"}, "3"},
	} {
		for size := 1; size <= len(test.values); size++ {
			got, err := reduce(builtin(t, test.name), rowsOf(test.values...), size)
			if err != nil || got != test.want {
				t.Errorf("%s of %v in parts of %d: %s, want %s; %v", test.name, test.values, size, got, test.want, err)
			}
		}
	}
}

func TestRefusedValues(t *testing.T) {
	for value, reason := range map[string]string{
		`"7"`: "non-numeric _stats input: <<55>>", "null": "non-numeric _stats input: null", `["ab"]`: "non-numeric _stats input: <<97,98>>",
		`{"sum":1}`:             "user _stats input missing required field count ({[{<<115,117,109>>,1}]})",
		`{"sum":1,"count":"x"}`: "non-numeric _stats input received for count: <<120>>",
	} {
		_, err := reduce(builtin(t, "_stats"), rowsOf("1", value), 5)
		if e, ok := errors.AsType[*couch.Error](err); !ok || e.Kind != couch.InvalidReduction || e.Reason != reason {
			t.Errorf("_stats of %s: %v, want %s", value, err, reason)
		}
	}
	if _, err := reduce(builtin(t, "_stats"), rowsOf("1", "[1]"), 5); err == nil {
		t.Error("_stats takes numbers and lists together")
	}
}

func TestNames(t *testing.T) {
	for _, name := range []string{"_nope", "_top_0", "_top_101", "_top_x", "_bottom_", "_"} {
		if r, err := reduction.Builtin(name); r != nil || !errors.Is(err, &couch.Error{Kind: couch.BadRequest}) {
			t.Errorf("%s: %v, %v", name, r, err)
		}
	}
	if r, err := reduction.Builtin("function(k, v) { return 1; }"); r != nil || err != nil {
		t.Errorf("JavaScript: %v, %v", r, err)
	}
}

func TestSumOverflow(t *testing.T) {
	var list []int
	for i := range 2000 {
		list = append(list, i+100_000)
	}
	long, _ := json.Marshal(list)
	got, err := reduce(builtin(t, "_sum"), rowsOf(string(long)), 1)
	want := fmt.Sprintf(`{"error":"builtin_reduce_error","reason":"Reduce output must shrink more rapidly: input size: %d output size: %[1]d"}`, len(long))
	if err != nil || got != want {
		t.Errorf("%.200s; %v", got, err)
	}
}

// Each estimate is within five times the standard error.
func TestDistinct(t *testing.T) {
	r := builtin(t, "_approx_count_distinct")
	for _, n := range []int{0, 1, 10, 100, 1000, 2000, 4000, 20_000, 100_000} {
		var rows []reduction.Row
		for i := range n {
			key := fmt.Sprintf(`["key",%d,{"a":%d.5},null]`, i, i)
			rows = append(rows, reduction.Row{Key: []byte(key)}, reduction.Row{Key: []byte(key)})
		}
		if n == 0 {
			continue
		}
		got, err := reduce(r, rows, 500)
		estimate, _ := strconv.ParseFloat(got, 64)
		if err != nil || math.Abs(estimate-float64(n)) > 5*1.04/math.Sqrt(2048)*float64(n) {
			t.Errorf("%d keys are estimated as %s; %v", n, got, err)
		}
	}
}

func TestDamagedStates(t *testing.T) {
	ctx := context.Background()
	for name, states := range map[string][]string{
		"_approx_count_distinct": {"", "\x03", "\x01ab", "\x01\xff\xff\x01", "\x02abc", "\x01\x00\x00\x40"}, "_count": {"", "x"}, "_top_3": {"", "5"},
	} {
		for _, state := range states {
			if _, err := builtin(t, name).Combine(ctx, [][]byte{[]byte(state)}); !errors.Is(err, couch.ErrCorrupt) {
				t.Errorf("%s of %q: %v", name, state, err)
			}
		}
	}
}

// Whatever the values are, parts give what the whole gives.
func TestAssociative(t *testing.T) {
	seed := rand.Uint64()
	rng := rand.New(rand.NewPCG(seed, 1))
	for range 300 {
		var values []string
		for range 1 + rng.IntN(30) {
			values = append(values, strconv.Itoa(rng.IntN(2_000_000)-1_000_000))
		}
		for _, name := range []string{"_sum", "_count", "_stats", "_approx_count_distinct", "_top_5", "_bottom_5", "_first", "_last"} {
			whole, err := reduce(builtin(t, name), rowsOf(values...), len(values))
			if err != nil {
				t.Fatal(err)
			}
			if parts, err := reduce(builtin(t, name), rowsOf(values...), 1+rng.IntN(5)); err != nil || parts != whole {
				t.Fatalf("seed %d: %s of %v: %s, in parts %s; %v", seed, name, values, whole, parts, err)
			}
		}
	}
}

func FuzzReduce(f *testing.F) {
	for _, v := range []string{"1", `[1,[2]]`, `{"a":{"b":1}}`, `{"error":"builtin_reduce_error"}`, `{"sum":1,"count":1,"min":1,"max":1,"sumsqr":1}`, `"\ud83d"`, "[", `{"a"`, "-", "1e999"} {
		f.Add(v, "2")
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		for _, name := range []string{"_sum", "_count", "_stats", "_approx_count_distinct", "_top_5", "_first"} {
			got, err := reduce(builtin(t, name), rowsOf(a, b), 1)
			if json.Valid([]byte(a)) && json.Valid([]byte(b)) && err == nil && !json.Valid([]byte(got)) {
				t.Errorf("%s of %q and %q is %q", name, a, b, got)
			}
		}
	})
}
