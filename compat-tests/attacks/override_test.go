package attacks_test

import (
	"net/url"
	"testing"
)

// TestMethodOverride asks for the protected method of each path by other means.
func TestMethodOverride(t *testing.T) {
	t.Parallel()
	f := newFort(t)
	var attempts []attempt
	for _, a := range protected() {
		for _, p := range []person{anonymous, eve} {
			hidden := ask{"POST", a.path, a.body}
			attempts = append(attempts,
				hidden.as(p, append(a.header(), "X-HTTP-Method-Override: "+a.method)...),
				hidden.as(p, append(a.header(), "X-HTTP-Method: "+a.method)...),
				hidden.as(p, append(a.header(), "X-Method-Override: "+a.method)...),
				ask{"OPTIONS", a.path, a.body}.as(p, append(a.header(), "X-HTTP-Method-Override: "+a.method)...),
				ask{"POST", withQuery(a.path, "_method="+url.QueryEscape(a.method)), a.body}.as(p, a.header()...),
			)
		}
	}
	f.harmless(attempts...)
}

// TestOverrideOfPublicPaths asks for more than a public path has.
func TestOverrideOfPublicPaths(t *testing.T) {
	t.Parallel()
	f := newFort(t)
	for _, path := range []string{"/", "/_up", "/_uuids", "/_session", "/lobby", "/lobby/_all_docs", "/lobby/_changes", "/lobby/_design/d"} {
		for _, method := range []string{"PUT", "DELETE", "COPY", "PATCH", "delete", "DELETE ", "PURGE", "MOVE"} {
			f.harmless(
				ask{"POST", path, `{}`}.as(eve, "X-HTTP-Method-Override: "+method, "Destination: stolen"),
				ask{"GET", path, ""}.as(eve, "X-HTTP-Method-Override: "+method, "Destination: stolen"),
				ask{"GET", withQuery(path, "_method="+url.QueryEscape(method)), ""}.as(eve),
			)
		}
	}
}

// TestOverrideOnlyOfPOST wants a GET to stay one whatever its headers say: a
// browser follows links.
func TestOverrideOnlyOfPOST(t *testing.T) {
	t.Parallel()
	f := newFort(t)
	rev := f.must("GET", "/vault/gold", "")["_rev"].(string)
	for _, method := range []string{"GET", "HEAD", "OPTIONS"} {
		for _, header := range []string{"X-HTTP-Method-Override: DELETE", "X-HTTP-Method: DELETE", "X-Method-Override: DELETE", "X-HTTP-METHOD-OVERRIDE: DELETE"} {
			before := f.state()
			f.send(ask{method, "/vault/gold?_method=DELETE&rev=" + rev, ""}.as(bob, header).text)
			if after := f.state(); after != before {
				t.Errorf("%s with %s has changed something", method, header)
			}
		}
	}
}

func withQuery(target, query string) string {
	u, err := url.Parse(target)
	if err != nil || u.RawQuery == "" {
		return target + "?" + query
	}
	return target + "&" + query
}
