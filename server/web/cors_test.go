package web_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"settle/server/web"
)

// corsOf returns the headers of an answer that CORS sets.
func corsOf(h http.Header) map[string]string {
	found := map[string]string{}
	for name, values := range h {
		if strings.HasPrefix(name, "Access-Control-") {
			found[name] = values[0]
		}
	}
	return found
}

const (
	allowOrigin      = "Access-Control-Allow-Origin"
	allowCredentials = "Access-Control-Allow-Credentials"
	allowMethods     = "Access-Control-Allow-Methods"
	allowHeaders     = "Access-Control-Allow-Headers"
	maxAge           = "Access-Control-Max-Age"
	exposed          = "Access-Control-Expose-Headers"
	requestMethod    = "Access-Control-Request-Method"
	requestHeaders   = "Access-Control-Request-Headers"
)

const standardExposed = "content-type, cache-control, accept-ranges, etag, server, x-couch-request-id, x-couch-update-newrev, x-couchdb-body-time"

func TestCORS(t *testing.T) {
	type headers = map[string]string
	const a, standardMethods = "http://a.example", "CONNECT, COPY, DELETE, GET, HEAD, OPTIONS, POST, PUT, TRACE"
	list := web.CORS{Enabled: true, Origins: []string{a, "https://b.example:6984"}, Credentials: true, MaxAge: "600"}
	off, open, narrow := list, list, list
	off.Enabled = false
	open.Origins, open.Credentials = []string{"*"}, false
	narrow.Methods, narrow.Headers, narrow.Exposed = []string{"GET"}, []string{"x-mine"}, []string{"x-seen"}
	allowed := headers{allowOrigin: a, allowCredentials: "true", exposed: standardExposed}
	preflight := headers{allowOrigin: a, allowCredentials: "true", allowMethods: standardMethods, allowHeaders: "", maxAge: "600"}
	tests := []struct {
		name           string
		cors           web.CORS
		method, target string
		header         []string
		status         int
		want           headers
	}{
		{"off", off, "GET", "/", []string{"Origin", a}, 200, headers{}},
		{"no origin", list, "GET", "/", nil, 200, headers{}},
		{"listed", list, "GET", "/", []string{"Origin", a}, 200, allowed},
		{"other port", list, "GET", "/", []string{"Origin", "https://b.example"}, 200, headers{}},
		{"other case", list, "GET", "/", []string{"Origin", "http://A.example"}, 200, headers{}},
		{"null", list, "GET", "/", []string{"Origin", "null"}, 200, headers{}},
		{"part of a listed one", list, "GET", "/", []string{"Origin", "http://a.example.evil"}, 200, headers{}},
		{"any", open, "GET", "/", []string{"Origin", "http://x.example"}, 200, headers{allowOrigin: "http://x.example", exposed: standardExposed}},
		{"on a 404", list, "GET", "/missing", []string{"Origin", a, "Who", "admin"}, 404, allowed},
		{"on a 401", list, "GET", "/_all_dbs", []string{"Origin", a}, 401, allowed},
		{"on a wrong password", list, "GET", "/", []string{"Origin", a, "Who", "wrong"}, 401, allowed},
		{"on a bad query", list, "GET", "/?limit=%zz", []string{"Origin", a}, 400, allowed},
		{"on a fault", list, "POST", "/_panic", []string{"Origin", a}, 500, allowed},
		{"on a method that is not there", list, "PATCH", "/_all_dbs", []string{"Origin", a, "Who", "admin"}, 405, allowed},
		{"exposed", narrow, "GET", "/", []string{"Origin", a}, 200, headers{allowOrigin: a, allowCredentials: "true", exposed: "content-type, cache-control, x-seen"}},

		{"preflight", list, "OPTIONS", "/_all_dbs", []string{"Origin", a, requestMethod, "PUT"}, 204, preflight},
		{"preflight before authentication", list, "OPTIONS", "/", []string{"Origin", a, requestMethod, "PUT", "Who", "wrong"}, 204, preflight},
		{
			"preflight with headers", list, "OPTIONS", "/alpha", []string{"Origin", a, requestMethod, "GET", requestHeaders, "Content-Type,authorization"}, 204,
			headers{allowOrigin: a, allowCredentials: "true", allowMethods: standardMethods, allowHeaders: "Content-Type,authorization", maxAge: "600"},
		},
		{"preflight of a foreign origin", list, "OPTIONS", "/_all_dbs", []string{"Origin", "http://evil", requestMethod, "PUT"}, 401, headers{}},
		{"preflight for an unknown header", list, "OPTIONS", "/_all_dbs", []string{"Origin", a, requestMethod, "PUT", requestHeaders, "x-evil"}, 401, allowed},
		{"preflight for an unknown method", list, "OPTIONS", "/_all_dbs", []string{"Origin", a, requestMethod, "PATCH"}, 401, allowed},
		{"no preflight without a method", list, "OPTIONS", "/_all_dbs", []string{"Origin", a}, 401, allowed},
		{"preflight while off", off, "OPTIONS", "/_all_dbs", []string{"Origin", a, requestMethod, "PUT"}, 401, headers{}},
		{
			"preflight with settings", narrow, "OPTIONS", "/alpha", []string{"Origin", a, requestMethod, "GET", requestHeaders, "X-Mine"}, 204,
			headers{allowOrigin: a, allowCredentials: "true", allowMethods: "GET", allowHeaders: "X-Mine", maxAge: "600"},
		},
		{
			"preflight against settings", narrow, "OPTIONS", "/_all_dbs", []string{"Origin", a, requestMethod, "PUT"}, 401,
			headers{allowOrigin: a, allowCredentials: "true", exposed: "content-type, cache-control, x-seen"},
		},
	}
	for _, tt := range tests {
		o := options()
		o.CORS = func() web.CORS { return tt.cors }
		res := do(t, web.NewHandler(o, table), tt.method, tt.target, tt.header...)
		if res.StatusCode != tt.status {
			t.Errorf("%s: status %d, want %d", tt.name, res.StatusCode, tt.status)
		}
		if diff := cmp.Diff(tt.want, corsOf(res.Header)); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
		if got := res.Header.Get("Vary"); (got == "Origin") != tt.cors.Enabled {
			t.Errorf("%s: Vary %q", tt.name, got)
		}
	}
}

func TestSeveralOriginsAreNone(t *testing.T) {
	o := options()
	o.CORS = func() web.CORS { return web.CORS{Enabled: true, Origins: []string{"http://a.example"}} }
	req := httptest.NewRequest("GET", "/", nil)
	req.Header["Origin"] = []string{"http://a.example", "http://evil.example"}
	rec := httptest.NewRecorder()
	web.NewHandler(o, table).ServeHTTP(rec, req)
	if got := corsOf(rec.Result().Header); len(got) != 0 {
		t.Errorf("allowed: %v", got)
	}
}
