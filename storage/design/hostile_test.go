package design_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"settle/storage/couch"
	"settle/storage/design"
)

// small is an engine with little of everything, so that limits are soon reached.
func small(t *testing.T, log func(string)) *design.Engine {
	t.Helper()
	return engine(t, patience, log)
}

func engine(t *testing.T, limit time.Duration, log func(string)) *design.Engine {
	t.Helper()
	o := design.Options{Memory: 16 << 20, Time: limit, Grace: 300 * time.Millisecond, Output: 1 << 20}
	if log != nil {
		o.Log = func(_ context.Context, message string) { log(message) }
	}
	e := design.New(o)
	t.Cleanup(func() { e.Close() })
	return e
}

func mapOne(t *testing.T, e *design.Engine, source, doc string) ([]design.Row, error) {
	t.Helper()
	return mapIn(t, e, anyScope, source, doc)
}

func mapIn(t *testing.T, e *design.Engine, scope couch.Incarnation, source, doc string) ([]design.Row, error) {
	t.Helper()
	m := e.Mapper(scope, nil, []string{source})
	defer m.Close()
	rows, err := m.Map(t.Context(), [][]byte{[]byte(doc)})
	if err != nil {
		return nil, err
	}
	return rows[0][0], nil
}

// A hostile function costs its caller an error, or nothing, and the next function
// runs as if it had never been.
func TestHostileFunctions(t *testing.T) {
	const ok = "" // the function ends by itself, with or without rows
	for _, test := range []struct{ name, body, want string }{
		{"loop", `while (true);`, design.OSProcessError},
		{"loop that catches", `for (;;) try { while (true); } catch (e) {} finally { while (true); }`, design.OSProcessError},
		{"loop in a getter", `({get x() { while (true); }}).x`, design.OSProcessError},
		{"loop in toJSON", `emit({toJSON: function () { while (true); }})`, design.OSProcessError},
		{"loop in toString of what is thrown", `throw {toString: function () { while (true); }}`, design.OSProcessError},
		{"slow pattern", `/^(a+)+$/.test("a".repeat(60) + "b")`, design.OSProcessError},
		{"generator", `function* g() { while (true) yield 1; } for (const x of g());`, design.OSProcessError},
		{"endless iterator", `new Set(Array.prototype.values.call({length: 2**53-1}))`, design.OSProcessError},
		{"recursion", `(function f() { f(); })()`, design.InternalError},
		{"recursion that catches", `(function f() { try { f(); } catch (e) { f(); } })()`, "*"},
		{"recursion by toString", `var o = {toString: function () { return "" + this; }}; "" + o`, design.InternalError},
		{"recursion by JSON", `var o = {toJSON: function () { return JSON.stringify(this); }}; emit(o)`, design.InternalError},
		{"deep value", `var a = []; for (var i = 0; i < 1e5; i++) a = [a]; emit(a)`, "*"},
		{"deep source", `eval("(".repeat(1e5))`, "*"},
		{"memory", `var a = []; while (true) a.push("x".repeat(1000) + a.length)`, "*"},
		{"memory, catching", `var a = []; for (;;) try { a.push(new Uint8Array(1e6)); } catch (e) {}`, "*"},
		{"huge text", `"x".repeat(1e9)`, design.InternalError},
		{"text doubled", `var s = "x"; for (var i = 0; i < 40; i++) s += s; emit(s)`, "*"},
		{"huge array", `emit(new Array(4294967295).fill(1))`, "*"},
		{"sparse array", `new Array(4294967295).join()`, ok},
		{"sparse array searched", `new Array(4294967295).indexOf(1)`, ok},
		{"sparse array sorted", `new Array(4294967295).sort()`, ok},
		{"array-like", `Array.prototype.indexOf.call({length: 2**53-1}, 1)`, ok},
		{"sparse array emitted", `emit(new Array(4294967295))`, "*"},
		{"long search", `var s = "a".repeat(2e5); s.indexOf("a".repeat(1e5) + "b")`, ok},
		{"output", `for (var i = 0; i < 2000; i++) emit("x".repeat(1000))`, ok},
		{"many rows", `while (true) emit()`, "*"},
		{"log", `for (var i = 0; i < 50; i++) log("x".repeat(10000))`, ok},
		{"null thrown", `throw null`, "internal_error"},
		{"undefined thrown", `throw undefined`, ok},
		{"errors deleted", `delete globalThis.InternalError; delete globalThis.SyntaxError; (function f() { f(); })()`, design.InternalError},
		{"proxy thrown", `throw new Proxy({}, {get: function () { throw 1; }})`, ok},
		{"getter that throws", `emit({get x() { throw new Error("x"); }})`, ok},
		{"circle", `var o = {}; o.o = o; emit(o)`, ok},
		{"big integer", `emit(1n)`, ok},
		{"prototypes", `Object.prototype.toJSON = function () { return "evil"; }; Array.prototype.push = null; emit(doc)`, ok},
		{"setters on arrays", `Object.defineProperty(Array.prototype, "0", {set: function () { throw "x"; }}); emit(1)`, ok},
		{"JSON replaced", `JSON.stringify = function () { return "}"; }; JSON = null; emit(1)`, ok},
		{"helpers replaced", `emit = null; log = null; sum = null; globalThis.emit = null;`, ok},
		{"helpers deleted", `delete globalThis.emit; delete globalThis.require`, ok},
		{"constructor", `emit(this.constructor.constructor("return typeof host + typeof dispatch + typeof process")())`, ok},
		{"fatal", `throw ["fatal", "my_error", "over"]`, "my_error"},
		{"fatal_error", `throw "fatal_error"`, "map_runtime_error"},
		{"caller", `emit(arguments.callee.caller)`, ok},
		{"promise", `new Promise(function (r) { r(1); }).then(function () { while (true); })`, ok},
		{"async", `(async function f() { await f(); })()`, "*"},
		{"bound", `var f = function () {}; for (var i = 0; i < 1e5; i++) f = f.bind(null); f()`, "*"},
	} {
		t.Run(test.name, func(t *testing.T) {
			limit := patience
			if test.want == "*" || test.want == design.OSProcessError {
				limit = slow * 500 * time.Millisecond
			}
			e := engine(t, limit, nil)
			_, err := mapOne(t, e, "function (doc) { "+test.body+" }", `{"_id":"a","list":[1,2,3]}`)
			var de *design.Error
			switch {
			case err != nil && !errors.As(err, &de):
				t.Fatalf("error %v", err)
			case test.want == "*" || slow > 1 && err != nil: // any limit may be the first to be reached
			case test.want == ok && err != nil || test.want != ok && (err == nil || de.Name != test.want):
				t.Errorf("error %v, want %q", err, test.want)
			}
			if rows, err := mapOne(t, e, "function (doc) { emit(doc._id, [1].concat(doc.list)); }", `{"_id":"a","list":[2]}`); err != nil || fmt.Sprint(rows) != `[{"a" [1,2]}]` {
				t.Errorf("then %v, %v", rows, err)
			}
		})
	}
}

// A runtime that ran into a limit is not used again: its globals are gone.
func TestLimitsEndTheRuntime(t *testing.T) {
	e := engine(t, loopTime, nil)
	source := `function (doc) { globalThis.n = (globalThis.n || 0) + 1; emit(n); if (doc.loop) while (true); }`
	m := e.Mapper(anyScope, nil, []string{source})
	defer m.Close()
	for i, want := range []string{"[[[{1 null}]]]", "[[[{2 null}]]]", "", "[[[{1 null}]]]"} {
		rows, err := m.Map(t.Context(), [][]byte{fmt.Appendf(nil, `{"_id":"a","loop":%v}`, want == "")})
		if (err != nil) != (want == "") || err == nil && fmt.Sprint(rows) != want {
			t.Errorf("%d: %v, %v, want %s", i, rows, err, want)
		}
	}
}

// What one design document leaves in its globals no other sees.
func TestGlobalsAreTheDocumentsOwn(t *testing.T) {
	e := small(t, nil)
	if _, err := mapOne(t, e, `function (doc) { leak = 1; Array.prototype.leak = 1; emit(1); }`, `{}`); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		rows, err := mapOne(t, e, `function (doc) { emit(typeof leak, [].leak); }`, `{}`)
		if err != nil || fmt.Sprint(rows) != `[{"undefined" null}]` {
			t.Errorf("%v, %v", rows, err)
		}
	}
}

func TestFunctionsDoNotSeeEachOthersChanges(t *testing.T) {
	e := small(t, nil)
	sources := []string{
		`function (doc) { doc.a = 2; doc.o.x = 2; delete doc.a; emit(doc.a, doc.o.x); }`,
		`function (doc) { "use strict"; doc.a = 2; emit(1); }`,
		`function (doc) { emit(doc.a, doc.o); }`,
	}
	rows, err := e.Mapper(anyScope, nil, sources).Map(t.Context(), [][]byte{[]byte(`{"a":1,"o":{"x":1,"__proto__":{"y":1}}}`)})
	want := `[[[{1 1}] [] [{1 {"x":1,"__proto__":{"y":1}}}]]]`
	if err != nil || fmt.Sprint(rows) != want {
		t.Errorf("%v, %v, want %s", rows, err, want)
	}
}

// A document may nest deeper than a recursive walk could follow.
func TestDeepDocument(t *testing.T) {
	e := small(t, nil)
	deep := `{"_id":"a","x":` + strings.Repeat("[", 500) + strings.Repeat("]", 500) + `}`
	rows, err := mapOne(t, e, `function (doc) { emit(doc._id, Object.isFrozen(doc.x[0][0])); }`, deep)
	if err != nil || fmt.Sprint(rows) != `[{"a" true}]` {
		t.Errorf("%v, %v", rows, err)
	}
}

func TestContextEndsACall(t *testing.T) {
	e := design.New(design.Options{Time: time.Minute})
	defer e.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := e.Mapper(anyScope, nil, []string{`function (doc) { while (true); }`}).Map(ctx, [][]byte{[]byte(`{}`)})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
}

// The time is that of one document, not of a batch.
func TestTimeIsPerDocument(t *testing.T) {
	e := engine(t, loopTime, nil)
	docs := make([][]byte, 30)
	for i := range docs {
		docs[i] = []byte(`{}`)
	}
	rows, err := e.Mapper(anyScope, nil, []string{`function (doc) { var end = Date.now() + ` + fmt.Sprint((loopTime / 20).Milliseconds()) + `; while (Date.now() < end); emit(1); }`}).Map(t.Context(), docs)
	if err != nil || len(rows) != len(docs) {
		t.Errorf("%d rows, %v", len(rows), err)
	}
}
