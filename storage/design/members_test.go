package design_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"settle/storage/design"
)

func TestMembers(t *testing.T) {
	for _, test := range []struct{ source, want string }{
		{`function (doc) { if (doc.type === "note") emit(doc.n, doc.title); }`, "type,n,title"},
		{`(function map(d) { emit(d . a.b?.c, d?.e); });`, "a,e"},
		{`doc => { emit(doc.a); }`, "a"},
		{`(doc) => { emit(1); }`, "-"},
		{"// all of a doc: {\nfunction (doc) { emit('doc }', \"{\" + doc.a); /* doc */ } // doc", "a"},
		{`function (doc) { for (const tag of doc.tags) emit(tag); doc.list.forEach(function (x) { emit(x.y); }); }`, "tags,list"},
		{`function (doc) { var other = {}; emit(other.doc.a); }`, "a"},
		{`function (doc) { emit(doc.$ref); emit(doc._rev); }`, "$ref,_rev"},

		{`function (doc) { emit(doc); }`, ""},
		{`function (doc) { emit(doc["a"]); }`, ""},
		{`function (doc) { for (var k in doc) emit(k); }`, ""},
		{`function (doc) { emit("a" in doc); }`, ""},
		{`function (doc) { var d = doc; emit(d.a); }`, ""},
		{`function (doc) { var {a} = doc; emit(a); }`, ""},
		{`function (doc) { emit({doc}); }`, ""},
		{`function (doc) { emit({...doc}.a); }`, ""},
		{`function (doc) { emit(doc.hasOwnProperty("a")); }`, ""},
		{`function (doc) { emit((doc.hasOwnProperty)("a")); }`, ""},
		{`function (doc) { emit(((doc . valueOf ) )?.()); }`, ""},
		{`function (doc) { if (doc.a) emit(doc.b); }`, "a,b"},
		{`function (doc) { if (doc.a) (emit)(doc.b); }`, ""},
		{`function (doc) { require("views/lib/x"); emit(doc.a); }`, ""},
		{`function (doc) { emit(doc.toString ()); }`, ""},
		{`function (doc) { emit(doc?.toString?.()); }`, ""},
		{`function (doc) { emit(JSON.stringify(doc)); }`, ""},
		{`function (doc) { emit(isArray(doc)); }`, ""},
		{`function (doc) { emit(doc ? 1 : 2); }`, ""},
		{`function (doc) { emit(this.x, arguments[0]); }`, ""},
		{`function (doc) { eval("emit(doc)"); }`, ""},
		{`function (doc) { with (doc) emit(a); }`, ""},
		{`function (doc) { doc.a = 1; emit(doc.a); }`, ""},
		{`function (doc) { if (/"/.test(doc.a) || isArray(doc) || /"/.test(doc.b)) emit(1); }`, ""},
		{"function (doc) { emit(`${doc}`); }", ""},
		{`function (doc) { emit(d\u006fc); }`, ""},
		{`function (doc) { emit(doc.größe); }`, ""},
		{`function (doc, more) { emit(doc.a); }`, ""},
		{`function () { emit(1); }`, ""},
		{`function (doc) { if (doc.n) return ++doc.n; }`, ""},
		{`function (doc) { if (doc.n) emit(1); else --doc . n; }`, ""},
		{`function ({a}) { emit(a); }`, ""},
		{`function (doc = {}) { emit(doc.a); }`, ""},
		{`doc => emit(doc.a)`, ""},
		{`(function (x) { emit(1); }, function (doc) { emit(doc); })`, ""},
		{`function a(x) { emit(1); } function b(doc) { emit(doc); }`, ""},
		{`var n = 1; function (doc) { emit(doc.a); }`, ""},
		{`function (doc) { emit(doc.a);`, ""},
	} {
		if got, err := design.Members(test.source); err != nil || got != test.want {
			t.Errorf("%s: members %q, %v, want %q", test.source, got, err, test.want)
		}
	}
}

// Seeing what a function reads takes no longer the more comments and space there are.
func TestMembersOfLongSources(t *testing.T) {
	comments, space := strings.Repeat("// note\n", 5000), strings.Repeat(" ", 50_000)
	for _, test := range []struct{ source, want string }{
		{`function (doc) { emit(doc.a); }` + comments + `function help() {}`, ""},
		{comments + `function (doc) { emit(doc.a); }` + comments, "a"},
		{space + `function (doc, x) { emit(doc.a); }`, ""},
		{space + `function` + space + `(doc) { emit(doc.` + space + `a); }` + space, "a"},
		{`function (doc) { ` + strings.Repeat("emit(doc.a);", 5000) + ` }`, "a"},
	} {
		if got, err := design.Members(test.source); err != nil || got != test.want {
			t.Errorf("%.40q …: members %q, %v, want %q", test.source, got, err, test.want)
		}
	}
}

// A document whose rows are too much has none, however few and large they are.
func TestFewLargeRows(t *testing.T) {
	e := design.New(design.Options{Time: patience})
	defer e.Close()
	for _, mb := range []int{4, 8} {
		doc := fmt.Sprintf(`{"text":%q}`, strings.Repeat("x", mb<<20))
		for _, n := range []int{2, 8} {
			source := fmt.Sprintf(`function (doc) { for (var i = 0; i < %d; i++) emit(doc.text, doc.text); }`, n)
			rows, err := mapOne(t, e, source, doc)
			if err != nil || len(rows) > n {
				t.Errorf("%d times %d MiB: %d rows, %v", n, mb, len(rows), err)
			}
		}
	}
}

// What documents are made of does not show in what functions find in them.
func TestDocumentsOfMembers(t *testing.T) {
	e := small(t, nil)
	for _, test := range []struct{ doc, want string }{
		{`{"_id":"a","n":1,"title":"x"}`, `[{1 "x"}]`},
		{`{"other":{"n":[2,"}"],"title":"\"},"},"title":"[","n":{"n":1,"m":"\\"}}`, `[{{"n":1,"m":"\\"} "["}]`},
		{`{"n":1,"\u006e":2,"title":true}`, `[{2 true}]`},
		{`{"n":1,"n":2,"x":"\\","title":"\\\""}`, `[{2 "\\\""}]`},
		{`{"nn":1,"tit":2,"title ":3}`, `[{null null}]`},
		{`{ "n" : 1 , "title" : [ ] }`, `[{1 []}]`},
		{`{}`, `[{null null}]`},
		{`{"n":-1.5e3}`, `[{-1500 null}]`},
	} {
		rows, err := mapOne(t, e, `function (doc) { emit(doc.n, doc.title); }`, test.doc)
		if err != nil || fmt.Sprint(rows) != test.want {
			t.Errorf("%s: %v, %v, want %s", test.doc, rows, err, test.want)
		}
	}
	for _, doc := range []string{`{"n":1`, `{"n":1]`, `{"n"}`, `{"n":1}{`, `["n":1]`, `{n:1}`, `{"n":"`} {
		if rows, err := mapOne(t, e, `function (doc) { emit(doc.n); }`, doc); err == nil {
			t.Errorf("%s: rows %v, and no error", doc, rows)
		}
	}
}

// A document has the members that any of the functions reads.
func TestMembersOfSeveralFunctions(t *testing.T) {
	e := small(t, nil)
	docs := [][]byte{[]byte(`{"_id":"i","a":1,"b":2,"c":3}`)}
	for _, test := range []struct {
		sources []string
		want    string
	}{
		{[]string{`function (doc) { emit(doc.a); }`, `function (d) { emit(d.b); }`}, `[[[{1 null}] [{2 null}]]]`},
		{[]string{`function (doc) { emit(doc.a); }`, `function (doc) { emit(doc); }`}, `[[[{1 null}] [{{"_id":"i","a":1,"b":2,"c":3} null}]]]`},
	} {
		m := e.Mapper(anyScope, nil, test.sources)
		rows, err := m.Map(t.Context(), docs)
		if err != nil || fmt.Sprint(rows) != test.want {
			t.Errorf("%s: %v, %v, want %s", test.sources, rows, err, test.want)
		}
		m.Close()
	}
}

// What is said of a function's error names the document, whatever the function reads.
func TestErrorsNameDocuments(t *testing.T) {
	docs := [][]byte{[]byte(`{"_id":"a","n":{}}`), []byte(`{"n":{"x":1},"_id":"b\"c"}`), []byte(`{"n":{"x":2},"_id":"d"}`), []byte(`{}`)}
	for _, source := range []string{
		`function (doc) { if (doc.n.x !== 2) nosuch(); }`, `function (doc) { var all = doc; if (all.n.x !== 2) nosuch(); }`,
	} {
		var logged []string
		e := small(t, func(message string) { logged = append(logged, message) })
		if _, err := e.Mapper(anyScope, nil, []string{source}).Map(t.Context(), docs); err != nil {
			t.Fatal(err)
		}
		const missing = "function raised exception ReferenceError: 'nosuch' is not defined with doc._id "
		want := []string{missing + "a", missing + `b"c`, "function raised exception TypeError: cannot read property 'x' of undefined with doc._id undefined"}
		if diff := cmp.Diff(want, logged); diff != "" {
			t.Errorf("%s: %s", source, diff)
		}
	}
}

// Rows come as they were emitted, few or many, whatever functions do to what texts are
// made with.
func TestRowsOfAllSizes(t *testing.T) {
	e := small(t, nil)
	for _, n := range []int{0, 1, 8, 9, 1000} {
		source := fmt.Sprintf(`function (doc) {
			Array.prototype.toJSON = Object.prototype.toJSON = function () { return "changed"; };
			for (var i = 0; i < %d; i++) emit(i, "]},[\"" + i); }`, n)
		rows, err := mapOne(t, e, source, `{}`)
		if err != nil || len(rows) != n {
			t.Fatalf("%d rows: %d, %v", n, len(rows), err)
		}
		for i, row := range rows {
			if want := fmt.Sprintf(`{%d "]},[\"%d"}`, i, i); fmt.Sprint(row) != want {
				t.Fatalf("row %d of %d: %v, want %s", i, n, row, want)
			}
		}
	}
}

// A function that gets hold of what it has emitted does not make rows that are no JSON.
func TestRowsLaidOpen(t *testing.T) {
	for _, attack := range []string{
		`open.toJSON = function () { return "a,b"; }`, `open[open.length] = 1`, `open.length = 1`, `Object.setPrototypeOf(open, {toJSON: function () { return "a,b"; }})`,
		`Object.defineProperty(open, "0", {get: function () { return "a,b"; }})`, `delete open[0]`,
	} {
		e := small(t, nil)
		source := `function (doc) {
			emit("k", "v");
			Object.defineProperty(Array.prototype, "0", {set: function (open) { if (Array.isArray(open)) try { ` + attack + `; } catch (e) {} }});
		}`
		rows, err := mapOne(t, e, source, `{}`)
		for _, row := range rows {
			if !json.Valid([]byte(row.Key)) || !json.Valid([]byte(row.Value)) {
				t.Errorf("%s: row %v, %v", attack, row, err)
			}
		}
	}
}
