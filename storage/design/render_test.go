package design_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"settle/storage/design"
)

func TestResponses(t *testing.T) {
	e := small(t, nil)
	for _, test := range []struct{ value, want string }{
		{`"x"`, `200 text/html; charset=utf-8 [] "x"`},
		{`{}`, `200 application/json [] ""`},
		{`null`, `200 application/json [] ""`},
		{`{code: 404, body: "é", headers: {A: "b", N: 5, B: true, O: {}, X: null}}`, `404 text/html; charset=utf-8 [{A b} {N 5} {B true} {X null}] "é"`},
		{`{json: [1, {a: null}]}`, `200 application/json [] "[1,{\"a\":null}]\n"`},
		{`{json: 1, body: "x"}`, `200 text/html; charset=utf-8 [] "1\n"`},
		{`{base64: "AAEC", json: 1}`, `200 application/json [] "1\n"`},
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

// FuzzRequire: whatever the path, require gives a module, or an error that the
// function can catch, and never leaves the design document.
func FuzzRequire(f *testing.F) {
	for _, path := range []string{"lib/a", "lib/deep/b", "./a", "../lib/a", "lib/../lib/a", "lib", "lib/none", "", "/", "..", ".", "lib/__proto__", "lib/constructor", "constructor/name", "lib/a/length", "lib//a", "lib/deep/../a", "lib/./a", "\x00", "lib/cycle/x"} {
		f.Add(path)
	}
	e := design.New(design.Options{Idle: 4, Time: patience})
	f.Cleanup(func() { e.Close() })
	d, err := e.Document(anyScope, []byte(`{"lib":{"a":"exports.ok = 1;","deep":{"b":"exports.ok = require('../a').ok;"},"cycle":{"x":"exports.ok = 1; require('./y');","y":"exports.y = require('./x').ok"}},`+
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

// What a show chooses its form by is there for other functions too, without effect.
func TestTypesInUpdates(t *testing.T) {
	e := small(t, nil)
	d := document(t, e, map[string]any{"updates": map[string]string{
		"u": `function () { registerType("own", "text/own"); provides("own", function () { return "provided"; }); return [null, "text"]; }`,
	}})
	if _, r, err := d.Update(t.Context(), "u", nil, []byte(`{}`)); err != nil || string(r.Body) != "text" {
		t.Errorf("%s, %v", r.Body, err)
	}
}

// Of types that fit equally well the one counts whose place is the last as a text.
func TestManyTypes(t *testing.T) {
	e := small(t, nil)
	for _, test := range []struct{ types, accept, want string }{
		{`["text", "html", "json"]`, "*/*", "txt"},
		{`["text", "html", "json"]`, "text/html;q=0.5, application/json", "application/json"},
		{`["text", "html", "json"]`, "text/*", "text/plain; charset=utf-8"},
		{`["csv", "css", "ics", "rss", "atom", "json", "yaml", "html", "xhtml"]`, "*/*", "text/calendar"},
	} {
		d := document(t, e, map[string]any{"shows": map[string]string{
			"s": `function () { Array.prototype.more = function () {}; Object.prototype.other = 1; ` + test.types + `.forEach(function (type) { provides(type, function () { return type; }); }); }`,
		}})
		r, err := d.Show(t.Context(), "s", nil, fmt.Appendf(nil, `{"headers":{"Accept":%q}}`, test.accept))
		if want := []design.HeaderField{{Name: "Content-Type", Value: test.want}}; err != nil || fmt.Sprint(r.Header) != fmt.Sprint(want) {
			t.Errorf("%s %s: %v, %v, want %v", test.types, test.accept, r.Header, err, want)
		}
	}
}
