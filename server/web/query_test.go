package web_test

import (
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"

	"settle/server/web"
)

// query returns the parameters of a raw query string, nil where it is refused.
func query(t testing.TB, raw string) web.Query {
	t.Helper()
	var q web.Query
	req := httptest.NewRequest("GET", "/", nil)
	req.URL.RawQuery = raw
	call(func(r *web.Request) error {
		q = append(web.Query{}, r.Query()...)
		return r.WriteOK(200)
	}, req)
	return q
}

func TestQuery(t *testing.T) {
	for raw, want := range map[string]web.Query{
		"":                        {},
		"a=1&b=2":                 {{"a", "1"}, {"b", "2"}},
		"&&a=1;b&=c&":             {{"a", "1"}, {"b", ""}, {"", "c"}},
		"re%76s=tr%75e&a+b=c%2Bd": {{"revs", "true"}, {"a b", "c+d"}},
		`k="a=b"`:                 {{"k", `"a=b"`}},
		"a=%zz":                   nil,
		"%=1":                     nil,
	} {
		if diff := cmp.Diff(want, query(t, raw)); diff != "" {
			t.Errorf("%q: %s", raw, diff)
		}
	}
}

func TestQueryValues(t *testing.T) {
	q := query(t, `revs=true&revs=false&n=3&n=-1&x=1.5&on=TRUE&off=False&s="a\u00fc"&nul=null&bad={&five=5&big=99999999999999999999`)
	if !q.Is("revs") || q.Is("on") || q.Is("none") {
		t.Error("Is is wrong")
	}
	if v, ok := q.Lookup("none", "revs"); v != "false" || !ok {
		t.Errorf("Lookup: %q %v", v, ok)
	}
	for name, want := range map[string]string{"on": "true", "off": "false", "none": "true", "revs": "false", "x": "error", "n": "error"} {
		b, err := q.Bool([]string{name}, true)
		if got := outcome(b, err); got != want {
			t.Errorf("Bool %s: %s", name, got)
		}
	}
	for name, want := range map[string]int{"none": 7, "n": -1, "x": -1, "big": -1} {
		n, err := q.Count(name, 7)
		if err != nil {
			n = -1
		}
		if n != want {
			t.Errorf("Count %s: %d %v", name, n, err)
		}
	}
	if s, err := q.JSONString("s"); err != nil || s == nil || *s != "aü" {
		t.Errorf("JSONString: %v %v", s, err)
	}
	for name, fails := range map[string]bool{"nul": false, "none": false, "bad": true, "five": true, "on": true} {
		if s, err := q.JSONString(name); s != nil || (err != nil) != fails {
			t.Errorf("JSONString %s: %v %v", name, s, err)
		}
	}
}

func outcome(b bool, err error) string {
	switch {
	case err != nil:
		return "error"
	case b:
		return "true"
	}
	return "false"
}

func FuzzPathAndQuery(f *testing.F) {
	f.Add("/alpha/a%2Fb/c", "a=%41&b")
	f.Add("//%00/%ff/..", ";;=")
	h := web.NewHandler(options(), table)
	f.Fuzz(func(t *testing.T, path, raw string) {
		req := httptest.NewRequest("GET", "/", nil)
		req.URL.Path, req.URL.RawQuery = "/"+path, raw
		req.Header.Set("Who", "admin")
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, req)
		if rec.Code >= 500 {
			t.Errorf("%q?%q: %d %s", path, raw, rec.Code, rec.Body)
		}
	})
}
