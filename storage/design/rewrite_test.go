package design_test

import (
	"fmt"
	"testing"
)

func TestRewrite(t *testing.T) {
	e := small(t, nil)
	for _, test := range []struct{ result, want string }{
		{`"../x"`, `../x "" "" [] -`},
		{`{path: "a", method: "PUT", query: {b: "1"}, headers: {X: "y"}, body: "z"}`, `a "PUT" "{\"b\":\"1\"}" [{X y}] z`},
		{`{code: 403, path: "a", method: "PUT", query: {}, body: "no"}`, ` "" "" [] -`},
		{`{path: ""}`, "rewrite_error"},
		{`{}`, "rewrite_error"},
		{`{body: "no", headers: {X: "y"}}`, "rewrite_error"},
		{`{path: 5}`, "rewrite_error"},
		{`{path: "a", headers: 5}`, "external_response_error"},
		{`undefined`, "rewrite_error"},
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
		got := fmt.Sprintf("%s %q %q %v %s", r.Path, r.Method, r.Query, r.Header, body)
		if err == nil && got != test.want || err != nil && !isNamed(err, test.want) {
			t.Errorf("%s: %s, %v, want %s", test.result, got, err, test.want)
		}
	}
	if d := document(t, e, map[string]any{"rewrites": []any{}}); d.RewritesByFunction() {
		t.Error("a list is a function")
	}
}
