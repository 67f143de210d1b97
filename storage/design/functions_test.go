package design_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"settle/storage/couch"
	"settle/storage/design"
)

func isNamed(err error, name string) bool {
	var e *design.Error
	return errors.As(err, &e) && e.Name == name
}

// document opens a design document with the given members.
func document(t *testing.T, e *design.Engine, members map[string]any) *design.Document {
	t.Helper()
	d, err := e.Document([]byte(marshal(t, members)))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

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
	rows, err := e.Mapper(nil, []string{`function (doc) { emit(doc.n); }`, `function (doc) {}`}).Map(t.Context(), docs)
	if err != nil || len(rows) != len(docs) {
		t.Fatalf("%d, %v", len(rows), err)
	}
	for i, doc := range rows {
		if want := fmt.Sprintf("[[{%d null}] []]", i); fmt.Sprint(doc) != want {
			t.Fatalf("%d: %v, want %s", i, doc, want)
		}
	}
	if rows, err := e.Mapper(nil, nil).Map(t.Context(), docs[:3]); err != nil || len(rows) != 3 {
		t.Errorf("no functions: %v, %v", rows, err)
	}
	if _, err := e.Mapper(nil, []string{"function(doc){}"}).Map(t.Context(), [][]byte{[]byte(`{]`)}); err == nil {
		t.Error("no error for a document that is no JSON")
	}
}

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
		r := e.Reducer(test.source)
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
	r := e.Reducer("function(keys, values){ return values; }")
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

func TestValidate(t *testing.T) {
	e := small(t, nil)
	update := design.Update{New: []byte(`{"_id":"x","a":1}`), Old: []byte(`{"_id":"x"}`), UserCtx: []byte(`{"name":"u","roles":["r"]}`), Security: []byte(`{"admins":{}}`)}
	for _, test := range []struct {
		body, name, reason string
		kind               error
	}{
		{"", "", "", nil},
		{"return {forbidden: 'x'}", "", "", nil},
		{"throw {forbidden: JSON.stringify([n, o, u, s])}", "forbidden", `[{"_id":"x","a":1},{"_id":"x"},{"name":"u","roles":["r"]},{"admins":{}}]`, &couch.Error{Kind: couch.Forbidden}},
		{"throw {unauthorized: 'log in'}", "unauthorized", "log in", &couch.Error{Kind: couch.Unauthorized}},
		{"throw {forbidden: {a: [1]}}", "forbidden", `{"a":[1]}`, &couch.Error{Kind: couch.Forbidden}},
		{"throw {unauthorized: 1, forbidden: 2}", "forbidden", "2", &couch.Error{Kind: couch.Forbidden}},
		{"throw {other: 'thing'}", "unknown_error", "thing", nil},
		{"throw 5", "unknown_error", "5", nil},
		{"throw undefined", "unknown_error", "null", nil},
		{"throw new Error('an error')", "Error", "an error", nil},
		{"nosuch()", "ReferenceError", "'nosuch' is not defined", nil},
		{"throw require('lib/x').refuse(this._id)", "forbidden", "by _design/v", &couch.Error{Kind: couch.Forbidden}},
		{"require('lib/none')", "invalid_require_path", "", nil},
	} {
		d := document(t, e, map[string]any{
			"_id": "_design/v", "validate_doc_update": "function (n, o, u, s) { " + test.body + " }",
			"lib": map[string]string{"x": "exports.refuse = function (id) { return {forbidden: 'by ' + id}; };"},
		})
		err := d.Validate(t.Context(), update)
		if test.name == "" {
			if err != nil {
				t.Errorf("%s: %v", test.body, err)
			}
			continue
		}
		var got *design.Error
		if !errors.As(err, &got) || got.Name != test.name || test.reason != "" && got.Text() != test.reason {
			t.Errorf("%s: %v, want %s: %s", test.body, err, test.name, test.reason)
		}
		if test.kind != nil && !errors.Is(err, test.kind) {
			t.Errorf("%s: kind of %v", test.body, err)
		}
	}
	if d := document(t, e, map[string]any{}); d.Validates() || d.Validate(t.Context(), update) != nil {
		t.Error("a design document without a function validates")
	}
}

func TestRequestsAreScrubbed(t *testing.T) {
	e := small(t, nil)
	d := document(t, e, map[string]any{
		"shows":   map[string]string{"s": "function (doc, req) { return JSON.stringify(req); }"},
		"filters": map[string]string{"f": "function (doc, req) { return req.cookie || req.headers.Cookie || req.headers.authorization; }"},
	})
	req := []byte(`{"cookie":{"AuthSession":"secret"},"headers":{"Authorization":"secret","authorization":"secret","Cookie":"secret","X":"y"},"userCtx":{"name":"u"}}`)
	r, err := d.Show(t.Context(), "s", nil, req)
	if err != nil || string(r.Body) != `{"headers":{"X":"y"},"userCtx":{"name":"u"}}` {
		t.Errorf("%s, %v", r.Body, err)
	}
	pass, err := d.Filter(t.Context(), "f", [][]byte{[]byte(`{}`)}, req)
	if err != nil || pass[0] {
		t.Errorf("%v, %v", pass, err)
	}
}

func TestFilterByView(t *testing.T) {
	e := small(t, nil)
	d := document(t, e, map[string]any{"views": map[string]any{
		"v": map[string]string{"map": "function (doc) { if (doc.n > 1) { emit(); emit(); } doc.n = 5; }"},
		"t": map[string]string{"map": "function (doc) { throw new Error('x'); }"},
	}})
	docs := make([][]byte, 250)
	for i := range docs {
		docs[i] = fmt.Appendf(nil, `{"n":%d}`, i%3)
	}
	pass, err := d.FilterByView(t.Context(), "v", docs)
	if err != nil || len(pass) != len(docs) {
		t.Fatal(err)
	}
	for i := range pass {
		if pass[i] != (i%3 == 2) {
			t.Errorf("%d passes: %v", i, pass[i])
		}
	}
	if _, err := d.FilterByView(t.Context(), "t", docs[:1]); !isNamed(err, "Error") {
		t.Errorf("error %v", err)
	}
}

func TestMissingFunctions(t *testing.T) {
	e := small(t, nil)
	d := document(t, e, map[string]any{"shows": map[string]any{"": "x"}, "filters": 5, "views": map[string]any{"v": map[string]any{}}})
	ctx, req := t.Context(), []byte(`{}`)
	for name, f := range map[string]func() error{
		"s":        func() error { _, err := d.Show(ctx, "s", nil, req); return err },
		"f":        func() error { _, err := d.Filter(ctx, "f", nil, req); return err },
		"w":        func() error { _, err := d.FilterByView(ctx, "w", nil); return err },
		"map":      func() error { _, err := d.FilterByView(ctx, "v", nil); return err },
		"updates":  func() error { _, _, err := d.Update(ctx, "u", nil, req); return err },
		"lists":    func() error { return d.List(ctx, "l", design.Listing{Rows: rowsOf()}) },
		"rewrites": func() error { _, err := d.Rewrite(ctx, req); return err },
	} {
		err := f()
		if want := "missing json key: " + name; !isNamed(err, design.NotFound) || !errors.Is(err, couch.ErrNotFound) || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestLanguage(t *testing.T) {
	e := small(t, nil)
	d := document(t, e, map[string]any{"language": "cobol", "validate_doc_update": "x", "shows": map[string]string{"s": "x"}, "views": map[string]any{"v": map[string]string{"map": "x("}}})
	if err := d.CheckViews(t.Context()); err != nil {
		t.Error(err)
	}
	if err := d.Validate(t.Context(), design.Update{}); !isNamed(err, design.UnknownQueryLanguage) {
		t.Error(err)
	}
	_, err := d.Show(t.Context(), "s", nil, nil)
	if diff := cmp.Diff(map[string]any{"error": "unknown_query_language", "reason": "cobol"}, errorOf(err)); diff != "" {
		t.Error(diff)
	}
	for _, text := range []string{`{"language":5}`, `{"language":null}`, `[]`, `{`, `"x"`} {
		if _, err := e.Document([]byte(text)); !isNamed(err, design.InvalidDesignDoc) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestResponses(t *testing.T) {
	e := small(t, nil)
	for _, test := range []struct{ value, want string }{
		{`"x"`, `200 text/html; charset=utf-8 [] "x"`},
		{`{}`, `200 application/json [] ""`},
		{`null`, `200 application/json [] ""`},
		{`{code: 404, body: "é", headers: {A: "b", N: 5, B: true, O: {}, X: null}}`, `404 text/html; charset=utf-8 [{A b} {N 5} {B true}] "é"`},
		{`{json: [1, {a: null}]}`, `200 application/json [] "[1,{\"a\":null}]"`},
		{`{base64: "AAEC", stop: true}`, `200 application/binary [] "\x00\x01\x02"`},
		{`{base64: "?"}`, "external_response_error"},
		{`{code: "x"}`, "external_response_error"},
		{`{code: 7}`, "external_response_error"},
		{`{body: {}}`, "external_response_error"},
		{`{headers: []}`, "external_response_error"},
		{`{nonsense: 1}`, "external_response_error"},
		{`[1]`, "render_error"},
		{`5`, "render_error"},
		{`(function () { throw {error: "teapot", reason: {short: true}}; })()`, "teapot"},
		{`{toJSON: function () { throw new TypeError("x"); }}`, "render_error"},
	} {
		d := document(t, e, map[string]any{"shows": map[string]string{"s": "function (doc, req) { return " + test.value + "; }"}})
		r, err := d.Show(t.Context(), "s", nil, []byte(`{}`))
		got := fmt.Sprintf("%d %s %v %q", r.Code, r.ContentType, r.Header, r.Body)
		if err == nil && got != test.want || err != nil && !isNamed(err, test.want) {
			t.Errorf("%s: %s, %v, want %s", test.value, got, err, test.want)
		}
	}
}

func TestListStreams(t *testing.T) {
	e := design.New(design.Options{Memory: 8 << 20, Time: slow * 500 * time.Millisecond})
	defer e.Close()
	d := document(t, e, map[string]any{"lists": map[string]string{
		"all": `function (head, req) { start({code: 201}); send("["); var row; while (row = getRow()) send(row.value + "\n"); send("]"); }`,
		"one": `function (head, req) { send(getRow().value + getRow); return 5; }`,
	}})
	const count = 100_000 / slow
	long := strings.Repeat("v", 1000)
	pulled := 0
	rows := func(yield func([]byte, error) bool) {
		for range count {
			pulled++
			if pulled == count/2 {
				time.Sleep(slow * 700 * time.Millisecond) // the function's time does not run
			}
			if !yield([]byte(`{"value":"`+long+`"}`), nil) {
				return
			}
		}
	}
	size, code := 0, 0
	l := design.Listing{
		Head: []byte(`{}`), Req: []byte(`{}`), Rows: rows,
		Start: func(r design.Response) error { code = r.Code; return nil },
		Chunk: func(text string) error { size += len(text); return nil },
	}
	if err := d.List(t.Context(), "all", l); err != nil {
		t.Fatal(err)
	}
	if want := 2 + count*(len(long)+1); size != want || code != 201 || pulled != count {
		t.Errorf("code %d, %d bytes, want %d, %d rows", code, size, want, pulled)
	}
	pulled = 0
	if err := d.List(t.Context(), "one", l); err != nil || pulled > 100 {
		t.Errorf("%d rows for one, %v", pulled, err)
	}
}

func TestListErrors(t *testing.T) {
	e := small(t, nil)
	d := document(t, e, map[string]any{"lists": map[string]string{
		"l": `function (head, req) { try { var row; while (row = getRow()) send("x".repeat(100000)); } catch (e) {} return "end"; }`,
		"t": `function (head, req) { getRow(); throw new Error("x"); }`,
		"w": `function (head, req) { getRow(); while (true); }`,
		"s": `function (head, req) { start({code: "x"}); }`,
	}})
	broken := errors.New("broken")
	failing := func(yield func([]byte, error) bool) {
		_ = yield([]byte(`{}`), nil) && yield(nil, broken)
	}
	fine := func(design.Response) error { return nil }
	for _, test := range []struct {
		name  string
		rows  iter.Seq2[[]byte, error]
		start func(design.Response) error
		chunk error
		want  func(error) bool
	}{
		{"l", failing, fine, nil, func(err error) bool { return errors.Is(err, broken) }},
		{"l", rowsOf("{}", "{}"), fine, broken, func(err error) bool { return errors.Is(err, broken) }},
		{"l", rowsOf(), func(design.Response) error { return broken }, nil, func(err error) bool { return errors.Is(err, broken) }},
		{"l", rowsOf("{"), fine, nil, func(err error) bool { return err == nil }},
		{"t", rowsOf("{}"), fine, nil, func(err error) bool { return isNamed(err, design.RenderError) }},
		{"w", rowsOf("{}"), fine, nil, func(err error) bool { return isNamed(err, design.OSProcessError) }},
		{"s", rowsOf("{}"), fine, nil, func(err error) bool { return isNamed(err, "external_response_error") }},
	} {
		err := d.List(t.Context(), test.name, design.Listing{
			Head: []byte(`{}`), Req: []byte(`{}`), Rows: test.rows, Start: test.start,
			Chunk: func(string) error { return test.chunk },
		})
		if !test.want(err) {
			t.Errorf("%s: error %v", test.name, err)
		}
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

func TestClosedEngine(t *testing.T) {
	e := design.New(design.Options{})
	for range 2 {
		if _, err := mapOne(t, e, `function (doc) { emit(1); }`, `{}`); err != nil {
			t.Error(err)
		}
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := e.Reducer("x").Reduce(ctx, nil); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// FuzzDocument: whatever the text, opening and checking a design document gives
// errors of this package only.
func FuzzDocument(f *testing.F) {
	for _, text := range []string{
		`{}`, `[]`, `{"views":{"v":{"map":"function(doc){}","reduce":"_sum"},"lib":{}}}`, `{"views":{"v":{}}}`, `{"views":{"v":{"map":"x("}}}`,
		`{"language":"query","views":{"v":{"map":{}}}}`, `{"options":{"local_seq":1}}`, `{"a":1,"a":2}`, `{"views":{"v":{"map":"f","reduce":"_foo"}}}`, `{"rewrites":[]}`, `{`,
	} {
		f.Add(text)
	}
	e := design.New(design.Options{Time: time.Second, Memory: 8 << 20})
	f.Cleanup(func() { e.Close() })
	f.Fuzz(func(t *testing.T, text string) {
		d, err := e.Document([]byte(text))
		if err == nil {
			err = errors.Join(d.CheckShape(), d.CheckViews(t.Context()))
		}
		var de *design.Error
		if err != nil && !errors.As(err, &de) {
			t.Errorf("%s: %v", text, err)
		}
	})
}

// FuzzRequire: whatever the path, require gives a module, or an error that the
// function can catch, and never leaves the design document.
func FuzzRequire(f *testing.F) {
	for _, path := range []string{"lib/a", "lib/deep/b", "./a", "../lib/a", "lib/../lib/a", "lib", "lib/none", "", "/", "..", ".", "lib/__proto__", "lib/constructor", "constructor/name", "lib/a/length", "lib//a", "lib/deep/../a", "lib/./a", "\x00", "lib/cycle/x"} {
		f.Add(path)
	}
	e := design.New(design.Options{Idle: 4})
	f.Cleanup(func() { e.Close() })
	d, err := e.Document([]byte(`{"lib":{"a":"exports.ok = 1;","deep":{"b":"exports.ok = require('../a').ok;"},"cycle":{"x":"exports.ok = 1; require('./y');","y":"exports.y = require('./x').ok"}},` +
		`"updates":{"u":"function (doc, req) { var m; try { m = require(req.name); } catch (e) { return [null, e[1] || 'none']; } return [null, m.ok === 1 ? 'module' : 'strange']; }"}}`))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, path string) {
		req, err := json.Marshal(map[string]string{"name": path})
		if err != nil {
			t.Skip()
		}
		_, r, err := d.Update(t.Context(), "u", nil, req)
		if err != nil {
			t.Fatalf("%q: %v", path, err)
		}
		switch string(r.Body) {
		case "module", "invalid_require_path", "compilation_error":
		default:
			t.Errorf("%q: %s", path, r.Body)
		}
	})
}
