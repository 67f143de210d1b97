package design_test

import (
	"fmt"
	"testing"

	"settle/storage/design"
)

// Whatever a function does to a document, the next one sees it as it was.
func TestFunctionsCannotChangeDocuments(t *testing.T) {
	e := small(t, nil)
	const doc = `{"_id":"a","n":1,"s":"x","l":[3,1,2],"o":{"k":"v","i":["p"]},"m":"sort"}`
	for _, statement := range []string{
		`doc.n = 2`, `doc["n"] = 2`, `doc . n = 2`, "doc.\nn = 2", `doc./* */n = 2`, "doc.//\nn = 2", `doc.n/* */= 2`, `(doc).n = 2`, `(doc.n) = 2`,
		`doc.n += 2`, `doc.n -= 1`, `doc.n **= 2`, `doc.n <<= 1`, `doc.n >>>= 1`, `doc.n ||= 2`, `doc.n &&= 2`, `doc.x ??= 2`,
		`doc.n++`, `doc.n--`, `++doc.n`, `--doc.n`, `++ doc.n;`, `++(doc.n);`, `doc["n"]++`, `doc.l[0]++`, `doc . n ++`, "doc.n\n++\ndoc.n", `-- doc.o.k`, `(doc.n)++`,
		`delete doc.n`, `delete doc.o.k`, `delete doc["n"]`,
		`[doc.n] = [2]`, `({n: doc.n} = {n: 2})`, `[doc.l[0], doc.l[1]] = [1, 2]`, `({...doc.o} = {k: 1})`, `[...doc.l] = [5]`,
		`for (doc.n of [5]);`, `for (doc.n in {q: 1});`, `for ([doc.n] of [[5]]);`, `for (doc["n"] of [5]);`, `for (doc.n = 3; false;);`, `for (var i = doc.n = 2; false;);`,
		`var a = 1, b = doc.n = 2`, `var x = doc; x.n = 2`, `var o = doc.o; o.k = 2`, `with (doc) { n = 2; }`, `with (doc.o) k = 2`,
		`doc.l.sort()`, `doc.l.reverse()`, `doc.l.push(1)`, `doc.l.pop()`, `doc.l.shift()`, `doc.l.unshift(0)`, `doc.l.splice(0, 1)`, `doc.l.fill(0)`, `doc.l.copyWithin(0, 1)`,
		`doc.l?.push(1)`, `doc.l.sort?.()`, `doc.l["sort"]()`, `doc.l[doc.m]()`, `(doc.l.sort)()`, "doc.l.sort``", `doc.l.so\u0072t()`, `doc.l.length = 0`,
		`[].push.call(doc.l, 1)`, `Array.prototype.sort.apply(doc.l)`, `Object.assign(doc, {n: 2})`, `var f = Object.assign; f(doc, {n: 2})`, `var {assign} = Object; assign(doc, {n: 2})`,
		`Object.defineProperty(doc, "n", {value: 2})`, `Reflect.set(doc, "n", 2)`, `Reflect.deleteProperty(doc, "n")`, `Object.setPrototypeOf(doc, {n: 5})`, `doc.__proto__ = {z: 1}`,
		`eval("doc.n = 2")`, `new Function("d", "d.n = 2")(doc)`, `(function () { arguments[0].n = 2; })(doc)`, `doc.l.forEach(function (x, i, all) { all[i] = 9; })`,
		`doc.l.map(function (x, i, all) { all.length = 0; })`, `(d => d.n = 2)(doc)`, `(d => { d.n = 2; })(doc)`, `var g = d => ++d.n; g(doc)`, `(function (d) { this.n = 2; }).call(doc)`,
		`class A { constructor(d) { d.n = 2; } } new A(doc)`, `var h = { set n(v) { doc.n = v; } }; h.n = 2`, `JSON.parse("1", function () { doc.n = 2; })`, `doc.s.replace(/x/, function () { doc.n = 2; })`,
		`for (var k in doc) doc[k] = 0`, `for (var k in doc) { delete doc[k]; }`, `for (const v of Object.values(doc)) v.k = 2`, `if (doc.n == 1) doc.n = 2`, `doc.n === 1 ? doc.n = 2 : 0`, `doc.n==1&&(doc.n=2)`,
		"doc.n = 2 // the second\n", "/* a */ doc.l.sort(); // b\n", `var s = "/*"; doc.n = 2; s = "*/"`, `var s = '"//'; doc.n = 2; s = "'//"`,
		"if (/'/ && doc.n) doc.n = 2; // '\n", "<!-- /*\n doc.n = 2 // */\n", "var a = 1 /*\n --> */\n doc.n = 2",
	} {
		sources := []string{"function (doc) { " + statement + " }", "function (doc) { emit(doc); }"}
		rows, err := e.Mapper(anyScope, nil, sources).Map(t.Context(), [][]byte{[]byte(doc)})
		if err != nil {
			t.Errorf("%s: %v", statement, err)
		} else if got := fmt.Sprint(rows[0][1]); got != "[{"+doc+" null}]" {
			t.Errorf("%s: then %s", statement, got)
		}
	}
}

// Functions that cannot change a document run on one that is not frozen.
func TestPlainFunctions(t *testing.T) {
	e := small(t, nil)
	for _, test := range []struct{ source, want string }{
		{`function (doc) { if (doc.l && doc.n >= 1) { var s = doc.s + "="; for (var i = 0; i < doc.l.length; i++) emit([s, doc.l[i]], {x: i}); } }`, `[{["x=",3] {"x":0}} {["x=",1] {"x":1}}]`},
		{`function (doc) { var d = new Date(0); let n = doc.n; n += 1; n++; emit(d.getTime(), n); }`, `[{0 3}]`},
		{`doc => { for (const k of Object.keys(doc)) if (k !== "_id" && Array.isArray(doc[k])) emit(k, doc[k].map(x => x * 2).join("-")); }`, `[{"l" "6-2"}]`},
	} {
		rows, err := mapOne(t, e, test.source, `{"_id":"a","n":1,"s":"x","l":[3,1]}`)
		if err != nil || fmt.Sprint(rows) != test.want {
			t.Errorf("%s: %v, %v, want %s", test.source, rows, err, test.want)
		}
	}
}

// Comments do not make a function one that could change documents, where it is clear
// that they are comments.
func TestCommentsArePlain(t *testing.T) {
	for _, test := range []struct {
		source string
		want   bool
	}{
		{"function (doc) { emit(doc.n); } // by number", true},
		{"// by number: doc.n = 'x'\nfunction (doc) { /* if it's there */ if (doc.n) emit(doc.n); /* else\n doc.n = 1 */ }", true},
		{`function (doc) { emit("/* " + doc.n, '"'); }`, false},
		{"function (doc) { emit(doc.n / 2); } // half", false},
		{"function (doc) { if (/'/.test(doc.s)) emit(1); } // '", false},
		{"function (doc) { emit(1); } <!-- /*\n + (doc.n = 2) // */", false},
		{"#! /*\nfunction (doc) { doc.n = 2; } // */", false},
		{"function (doc) { emit(1) /* ; */ doc.n = 2; }", false},
	} {
		plain, err := design.Plain(test.source)
		if err != nil || plain != test.want {
			t.Errorf("%s: plain %v, %v, want %v", test.source, plain, err, test.want)
		}
	}
}
