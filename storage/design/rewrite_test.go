package design_test

import (
	"fmt"
	"testing"
)

func TestRewrite(t *testing.T) {
	e := small(t, nil)
	for _, test := range []struct{ result, want string }{
		{`"../x"`, `../x "" map[] [] -`},
		{`{path: "a", method: "PUT", query: {b: "1"}, headers: {X: "y"}, body: "z", own: 1}`, `a "PUT" map[b:1] [{X y}] z`},
		{`{code: 403, path: "a", method: "PUT", query: {}, body: "no", own: 1}`, ` "" map[] [] - 403 text/html; charset=utf-8 no`},
		{`{code: 599, headers: {X: "y"}}`, ` "" map[] [] - 599  [{X y}]`},
		{`{path: ""}`, ` "" map[] [] -`},
		{`""`, "rewrite_error"},
		{`0`, "rewrite_error"},
		{`{}`, "rewrite_error"},
		{`{body: "no", headers: {X: "y"}}`, "rewrite_error"},
		{`{path: 5}`, "rewrite_error"},
		{`{path: null}`, "rewrite_error"},
		{`{path: "a", headers: 5}`, "rewrite_error"},
		{`{path: "a", headers: {X: 5}}`, "rewrite_error"},
		{`{path: "a", query: "b"}`, "rewrite_error"},
		{`{path: "a", query: {b: 1}}`, "rewrite_error"},
		{`{path: "a", query: {b: null}}`, "rewrite_error"},
		{`{path: "a", method: 5}`, "rewrite_error"},
		{`{path: "a", body: {}}`, "rewrite_error"},
		{`{code: 199}`, "rewrite_error"},
		{`{code: 600}`, "rewrite_error"},
		{`{code: "200"}`, "rewrite_error"},
		{`undefined`, "rewrite_error"},
		{`false`, "rewrite_error"},
		{`5`, "rewrite_error"},
		{`nosuch`, "render_error"},
	} {
		d := document(t, e, map[string]any{"rewrites": "function (req) { return " + test.result + "; }"})
		if !d.RewritesByFunction() {
			t.Error("no function")
		}
		r, err := d.Rewrite(t.Context(), []byte(`{}`))
		body := "-"
		if r.Body != nil {
			body = *r.Body
		}
		got := fmt.Sprintf("%s %q %v %v %s", r.Path, r.Method, r.Query, r.Header, body)
		if r.Response.HasCode {
			got += fmt.Sprintf(" %d %s %s", r.Response.Code, r.Response.ContentType, r.Response.Body)
		}
		if len(r.Response.Header) > 0 {
			got += fmt.Sprint(r.Response.Header)
		}
		if err == nil && got != test.want || err != nil && !isNamed(err, test.want) {
			t.Errorf("%s: %s, %v, want %s", test.result, got, err, test.want)
		}
	}
	if d := document(t, e, map[string]any{"rewrites": []any{}}); d.RewritesByFunction() {
		t.Error("a list is a function")
	}
}
