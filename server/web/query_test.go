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
	q := query(t, `revs=true&revs=false&on=TRUE&empty=`)
	if !q.Is("revs") || q.Is("on") || q.Is("none") {
		t.Error("Is is wrong")
	}
	for name, want := range map[string][2]string{"revs": {"true", "false"}, "on": {"TRUE", "TRUE"}, "empty": {}} {
		first, ok := q.Lookup(name)
		last, okLast := q.LookupLast(name)
		if got := [2]string{first, last}; got != want || !ok || !okLast {
			t.Errorf("%s: %q %v %v", name, got, ok, okLast)
		}
	}
	if _, ok := q.Lookup("none"); ok {
		t.Error("Lookup finds what is not there")
	}
	if _, ok := q.LookupLast("none"); ok {
		t.Error("LookupLast finds what is not there")
	}
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
