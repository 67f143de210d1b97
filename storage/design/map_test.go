package design_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"settle/storage/design"
)

func TestFunctionSources(t *testing.T) {
	e := small(t, nil)
	for _, test := range []struct{ source, want string }{
		{"function(doc){ emit(1); }", "[{1 null}]"},
		{"  function (doc) { emit(1); }  ", "[{1 null}]"},
		{"function(doc){ emit(1); };", "[{1 null}]"},
		{"function named(doc){ emit(1); }", "[{1 null}]"},
		{"(function(doc){ emit(1); });", "[{1 null}]"},
		{"doc => emit(1)", "[{1 null}]"},
		{"var n = 1; function(doc){ emit(n); }", "[{1 null}]"},
		{"const n = 1;\nfunction(doc){ emit(n); }", "[{1 null}]"},
		{"const n = 2;\nfunction/* a */ // b\n(doc){ emit(n); }", "[{2 null}]"},
		{"function helper(){ return 3; }\nfunction(doc){ emit(helper()); }", "[{3 null}]"},
		{"/* function */ function(doc){ emit(1, function(){}); }", "[{1 null}]"},
		{"function(doc){ i = 1; for (i = 0; i < 2; i++) emit(i); }", "[{0 null} {1 null}]"},
		{"function(doc){ with (doc) emit(_id); }", `[{"a" null}]`},
		{"function(doc){ emit(isArray([]), sum([1,2])); }", "[{true 3}]"},
		{"function(doc){ emit(toJSON({a:1}), typeof require); }", `[{"{\"a\":1}" "function"}]`},
		{"function(doc){ emit('\U0001F600', 'a\\u0000\\u001e\\u001f\\u001d'); }", "[{\"\U0001F600\" \"a\\u0000\\u001e\\u001f\\u001d\"}]"},
		{"function(doc){ emit(-0, [NaN, undefined, 1e21]); }", "[{0 [null,null,1e+21]}]"},
		{"function(doc){ var o = {}; for (var i = 0; i < 2; i++) { o.i = i; emit(i, o); } }", `[{0 {"i":1}} {1 {"i":1}}]`},
		{"5", "Expression does not eval to a function. (5)"},
		{"throw 1; function(doc){}", "1 (throw 1; function(doc){})"},
		{"function(doc){ emit(1); } + 1", "Expression does not eval to a function."},
		{"function(", "SyntaxError: "},
		{"\x00", "SyntaxError: "},
		{strings.Repeat("function(){};", 40), "SyntaxError: function name expected"},
	} {
		rows, err := mapOne(t, e, test.source, `{"_id":"a"}`)
		if got := fmt.Sprint(rows); err == nil && got != test.want {
			t.Errorf("%q: %s, want %s", test.source, got, test.want)
		} else if err != nil && (!isNamed(err, design.CompilationError) || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%q: error %v, want %s", test.source, err, test.want)
		}
	}
}

func TestMapOfMany(t *testing.T) {
	e := small(t, nil)
	docs := smallDocs(3000)
	docs[1500] = []byte(`{"n":1500,"x":"` + strings.Repeat("x", 2<<20) + `"}`)
	rows, err := e.Mapper(anyScope, nil, []string{`function (doc) { emit(doc.n); }`, `function (doc) {}`}).Map(t.Context(), docs)
	if err != nil || len(rows) != len(docs) {
		t.Fatalf("%d, %v", len(rows), err)
	}
	for i, doc := range rows {
		if want := fmt.Sprintf("[[{%d null}] []]", i); fmt.Sprint(doc) != want {
			t.Fatalf("%d: %v, want %s", i, doc, want)
		}
	}
	if rows, err := e.Mapper(anyScope, nil, nil).Map(t.Context(), docs[:3]); err != nil || len(rows) != 3 {
		t.Errorf("no functions: %v, %v", rows, err)
	}
	if _, err := e.Mapper(anyScope, nil, []string{"function(doc){}"}).Map(t.Context(), [][]byte{[]byte(`{]`)}); err == nil {
		t.Error("no error for a document that is no JSON")
	}
}

func TestLog(t *testing.T) {
	var logged []string
	e := small(t, func(message string) { logged = append(logged, message) })
	if _, err := mapOne(t, e, `function (doc) { log("a"); log({b: 1}); log(); nosuch(); }`, `{"_id":"d"}`); err != nil {
		t.Fatal(err)
	}
	want := []string{"a", `{"b":1}`, "undefined", "function raised exception ReferenceError: 'nosuch' is not defined with doc._id d"}
	if diff := cmp.Diff(want, logged); diff != "" {
		t.Error(diff)
	}
}

// Map gives back the rows of the first documents when they are much.
func TestMapReturnsWhatIsEnough(t *testing.T) {
	e := design.New(design.Options{Time: patience})
	defer e.Close()
	docs := make([][]byte, 10)
	for i := range docs {
		docs[i] = fmt.Appendf(nil, `{"n":%d}`, i)
	}
	m := e.Mapper(anyScope, nil, []string{`function (doc) { emit(doc.n, "v".repeat(1000000)); }`})
	defer m.Close()
	n := 0
	for len(docs) > 0 {
		rows, err := m.Map(t.Context(), docs)
		if err != nil || len(rows) == 0 || len(rows) > 7 {
			t.Fatalf("%d documents at once, %v", len(rows), err)
		}
		for _, doc := range rows {
			if doc[0][0].Key != fmt.Sprint(n) {
				t.Errorf("row %s, want %d", doc[0][0].Key, n)
			}
			n++
		}
		docs = docs[len(rows):]
	}
	if n != 10 {
		t.Errorf("%d documents", n)
	}
}
