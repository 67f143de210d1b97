package mango_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"settle/storage/mango"
)

// Of indexes that fit a selector equally well the one is read that a bookmark is of, or the first
// by name; or, where that has many rows, the one with the fewest, as far as that is known.
func TestTies(t *testing.T) {
	made := designs{}
	for _, request := range []string{
		`{"index":{"fields":["a"]},"ddoc":"i1","name":"a"}`,
		`{"index":{"fields":["b"]},"ddoc":"i2","name":"b"}`,
		`{"index":{"fields":["c"]},"ddoc":"i3","name":"c"}`,
		`{"index":{"fields":["a","d"]},"ddoc":"i4","name":"ad"}`,
	} {
		if err := made.add(t, []byte(request)); err != nil {
			t.Fatal(err)
		}
	}
	inB := mango.Bookmark{Key: []byte(`[1]`), ID: "x", Index: "_design/i2/b"}.String()
	noIndex := mango.Bookmark{Key: []byte(`[1]`), ID: "x"}.String()
	for _, tt := range []struct {
		name, selector, more string
		rows                 map[string]int64
		want                 string
		reasons              map[string]string
	}{
		{"the fewest rows", `{"a":1,"b":1,"c":1}`, "", map[string]int64{"a": 3000, "b": 2, "c": 1}, "c",
			map[string]string{"a": "less_overlap", "b": "less_overlap"}},
		{"few rows", `{"a":1,"b":1,"c":1}`, "", map[string]int64{"a": 1000, "b": 2, "c": 1}, "a", nil},
		{"as many", `{"a":1,"b":1,"c":1}`, "", map[string]int64{"a": 3000, "b": 3000, "c": 3000}, "a", nil},
		{"none is known", `{"a":1,"b":1,"c":1}`, "", nil, "a", nil},
		{"one is known", `{"a":1,"b":1,"c":1}`, "", map[string]int64{"b": 1000}, "b", nil},
		{"only names differ", `{"c":1,"b":{"$gt":1}}`, "", map[string]int64{"b": 2000, "c": 1}, "c", nil},
		{"a range that is empty", `{"a":1,"b":{"$gt":2,"$lt":1},"c":1}`, "", map[string]int64{"a": 1, "c": 1}, "b", nil},
		{"another fits better", `{"a":1,"b":1,"d":1}`, "", map[string]int64{"b": 1, "ad": 100}, "ad", nil},
		{"a bookmark", `{"a":1,"b":1,"c":1}`, `,"bookmark":"` + inB + `"`, map[string]int64{"a": 1, "b": 2}, "b", nil},
		{"a bookmark of one that fits worse", `{"a":1,"b":1,"d":1}`, `,"bookmark":"` + inB + `"`, nil, "b", nil},
		{"a bookmark of one that is not usable", `{"a":1,"c":1}`, `,"bookmark":"` + inB + `"`, map[string]int64{"a": 2000, "c": 1}, "c", nil},
		{"a bookmark that does not say", `{"a":1,"b":1,"c":1}`, `,"bookmark":"` + noIndex + `"`, map[string]int64{"a": 3000, "b": 2}, "b", nil},
	} {
		query, err := mango.ParseQuery(compact(t, []byte(`{"selector":`+tt.selector+tt.more+`}`)), 25)
		if err != nil {
			t.Fatal(err)
		}
		estimate := func(x *mango.Index, _ mango.Keys) (int64, bool) {
			rows, ok := tt.rows[x.Name]
			return rows, ok
		}
		plan, err := mango.NewPlan(made.indexes(), query, estimate)
		if err != nil || plan.Index.Name != tt.want {
			t.Errorf("%s: %v, %v, want %s", tt.name, plan.Index, err, tt.want)
			continue
		}
		reasons := map[string]string{}
		for _, c := range plan.Candidates {
			if _, ok := tt.reasons[c.Index.Name]; ok {
				reasons[c.Index.Name] = c.Reason
			}
		}
		if diff := cmp.Diff(tt.reasons, reasons); tt.reasons != nil && diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
}

// Where the rows alone speak for an index, the others say so.
func TestReadsMoreRows(t *testing.T) {
	made := designs{}
	for _, request := range []string{
		`{"index":{"fields":["a"]},"ddoc":"i1","name":"a1"}`,
		`{"index":{"fields":["a"],"partial_filter_selector":{"b":1}},"ddoc":"i2","name":"a2"}`,
	} {
		if err := made.add(t, []byte(request)); err != nil {
			t.Fatal(err)
		}
	}
	if err := made.add(t, []byte(`{"index":{"fields":[{"a":"desc"}]},"ddoc":"i3","name":"a3"}`)); err != nil {
		t.Fatal(err)
	}
	query, err := mango.ParseQuery(compact(t, []byte(`{"selector":{"a":1}}`)), 25)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := mango.NewPlan(made.indexes(), query, func(x *mango.Index, _ mango.Keys) (int64, bool) {
		return map[string]int64{"a1": 3000, "a3": 1}[x.Name], true
	})
	if err != nil || plan.Index.Name != "a3" {
		t.Fatalf("%v, %v", plan.Index, err)
	}
	for _, c := range plan.Candidates {
		if c.Index.Name == "a1" && (c.Reason != "reads_more_rows" || c.Ranking != 1) {
			t.Errorf("%+v", c)
		}
	}
}
