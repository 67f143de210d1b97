package web_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"settle/server/auth"
	"settle/server/web"
	"settle/storage/couch"
)

// named is a database that has a name and nothing else.
type named string

func (n named) Name() string { return string(n) }

// admin and user are what the requests of these tests say they are.
func authenticate(req *http.Request) (auth.Session, error) {
	switch who := req.Header.Get("Who"); who {
	case "":
		return auth.Session{}, nil
	case "admin":
		return auth.Session{User: couch.UserCtx{Name: who, Roles: []string{"_admin"}}, Handler: "default"}, nil
	case "wrong":
		return auth.Session{}, &couch.Error{Kind: couch.Unauthorized, Reason: "Name or password is incorrect."}
	default:
		return auth.Session{User: couch.UserCtx{Name: who}, Handler: "cookie", Renewed: "AuthSession=x"}, nil
	}
}

func options() web.Options {
	return web.Options{
		Authenticate: authenticate,
		Challenge:    func(req *http.Request) string { return req.Header.Get("Challenge") },
		FindDatabase: func(_ context.Context, name string) (web.Database, error) {
			if strings.HasPrefix(name, "missing") || strings.HasPrefix(name, "_x") {
				return nil, couch.ErrDatabaseMissing
			}
			return named(name), nil
		},
		Limits:     func() couch.Limits { return couch.Limits{MaxRequestSize: 100} },
		Draining:   make(chan struct{}),
		Detached:   func(run func(context.Context)) { go run(context.Background()) },
		ServerName: "CouchDB/3.5.0 (settle)",
		Logger:     slog.New(slog.DiscardHandler),
	}
}

// echoing answers with what the route made of the path.
func echoing(params ...string) web.Handler {
	return func(r *web.Request) error {
		values := []string{}
		for _, p := range params {
			values = append(values, r.Param(p))
		}
		return r.WriteJSON(http.StatusOK, values)
	}
}

var table = []web.Route{
	{Method: "GET", Path: "/", Privilege: web.Public, Handler: echoing()},
	{Method: "GET", Path: "/_all_dbs", Privilege: web.ServerAdmin, Handler: echoing()},
	{Method: "GET", Path: "/_node/:node/:key", Privilege: web.ServerAdmin, Handler: echoing("node", "key")},
	{Method: "PUT", Path: "/:db", Privilege: web.ServerAdmin, Handler: echoing("db")},
	{Method: "GET", Path: "/:db", Privilege: web.Reader, Handler: func(r *web.Request) error {
		return r.WriteJSON(200, web.DatabaseOf[named](r).Name())
	}},
	{Method: "POST", Path: "/:db/_bulk_docs", Privilege: web.Writer, Handler: echoing("db")},
	{Method: "GET", Path: "/:db/:doc", Privilege: web.Reader, Handler: echoing("db", "doc")},
	{Method: "COPY", Path: "/:db/:doc", Privilege: web.Reader, Handler: echoing("db", "doc")},
	{Method: "GET", Path: "/:db/:doc/*", Privilege: web.Reader, Handler: echoing("db", "doc", "*")},
	{Method: web.AnyMethod, Path: "/:db/_any", Privilege: web.Reader, Handler: echoing("db")},
	{Method: "PUT", Path: "/:db/_any", Privilege: web.ServerAdmin, Handler: echoing()},
	{Method: "POST", Path: "/_fail", Privilege: web.Public, Handler: func(r *web.Request) error {
		r.SetETag("must not stay")
		return errors.New("secret cause")
	}},
	{Method: "POST", Path: "/_panic", Privilege: web.Public, Handler: func(*web.Request) error { panic("secret cause") }},
}

func do(t *testing.T, h http.Handler, method, target string, header ...string) *http.Response {
	t.Helper()
	req := httptest.NewRequest(method, target, nil)
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, req)
	return rec.Result()
}

func TestRouting(t *testing.T) {
	h := web.NewHandler(options(), table)
	tests := []struct {
		method, target string
		status         int
		body           string
	}{
		{"GET", "/", 200, `[]`},
		{"GET", "//", 200, `[]`},
		{"GET", "/_all_dbs", 200, `[]`},
		{"GET", "/_all_dbs/", 200, `[]`},
		{"POST", "/_all_dbs", 405, `{"error":"method_not_allowed","reason":"Only GET,HEAD allowed"}`},
		{"FOO", "/_all_dbs", 405, `{"error":"method_not_allowed","reason":"Only GET,HEAD allowed"}`},
		{"GET", "/alpha", 200, `"alpha"`},
		{"GET", "//alpha/", 200, `"alpha"`},
		{"GET", "/%61lpha", 200, `"alpha"`},
		{"GET", "/a%2Fb%2Fc", 200, `"a/b/c"`},
		{"GET", "/a%2Bb", 200, `"a+b"`},
		{"GET", "/missing", 404, `{"error":"not_found","reason":"Database does not exist."}`},
		{"GET", "/_xyz", 404, `{"error":"not_found","reason":"Database does not exist."}`},
		{"PUT", "/missing", 200, `["missing"]`},
		{"PATCH", "/alpha", 405, `{"error":"method_not_allowed","reason":"Only PUT,GET,HEAD allowed"}`},
		{"GET", "/alpha/_bulk_docs", 405, `{"error":"method_not_allowed","reason":"Only POST allowed"}`},
		{"GET", "/alpha/%5Fbulk_docs", 405, `{"error":"method_not_allowed","reason":"Only POST allowed"}`},
		{"GET", "/alpha/_bulk_docs/x", 200, `["alpha","_bulk_docs","x"]`},
		{"GET", "/alpha//doc/", 200, `["alpha","doc"]`},
		{"GET", "/alpha/a%2Fb", 200, `["alpha","a/b"]`},
		{"GET", "/alpha/a%252Fb", 200, `["alpha","a%2Fb"]`},
		{"GET", "/alpha/100%25", 200, `["alpha","100%"]`},
		{"GET", "/alpha/a+b", 200, `["alpha","a b"]`},
		{"GET", "/alpha/%C3%BC", 200, `["alpha","ü"]`},
		{"GET", "/alpha/a%2Fb/ü", 200, `["alpha","a/b","ü"]`},
		{"GET", "/alpha/..", 200, `["alpha",".."]`},
		{"GET", "/alpha/doc;x=1", 200, `["alpha","doc;x=1"]`},
		{"GET", "/alpha/doc/dir//a%2Fb.bin", 200, `["alpha","doc","dir/a/b.bin"]`},
		{"COPY", "/alpha/doc", 200, `["alpha","doc"]`},
		{"OPTIONS", "/alpha/doc", 405, `{"error":"method_not_allowed","reason":"Only GET,HEAD,COPY allowed"}`},
		{"FOO", "/alpha/doc", 405, `{"error":"method_not_allowed","reason":"Only GET,HEAD,COPY allowed"}`},
		{"GET", "/alpha/doc?a=%zz", 400, `{"error":"bad_request","reason":"invalid_url_encoding"}`},
		{"GET", "/alpha/_any", 200, `["alpha"]`},
		{"COPY", "/alpha/_any", 200, `["alpha"]`},
		{"PUT", "/alpha/_any", 200, `[]`},
		{"FOO", "/alpha/_any", 405, `{"error":"method_not_allowed","reason":"Only GET,HEAD,POST,PUT,DELETE,COPY,PATCH,OPTIONS,TRACE,CONNECT allowed"}`},
		{"*", "/alpha/_any", 405, `{"error":"method_not_allowed","reason":"Only GET,HEAD,POST,PUT,DELETE,COPY,PATCH,OPTIONS,TRACE,CONNECT allowed"}`},
		{"GET", "/missing/_any", 404, `{"error":"not_found","reason":"Database does not exist."}`},
		{"GET", "/_node/a/b", 200, `["a","b"]`},
		{"GET", "/_node/a/b/c", 404, `{"error":"not_found","reason":"missing"}`},
		{"GET", "/_node/a/b%2Fc", 200, `["a","b/c"]`},
		{"GET", "/alpha/doc?a=" + strings.Repeat("x", 100<<10), 200, `["alpha","doc"]`},
		{"GET", "/alpha/doc?a=" + strings.Repeat("x", 130<<10), 414, `{"error":"too_long","reason":"the request uri is too long"}`},
		{"POST", "/_fail", 500, `{"error":"internal_server_error","reason":"No reason"}`},
		{"POST", "/_panic", 500, `{"error":"internal_server_error","reason":"No reason"}`},
	}
	for _, tt := range tests {
		res := do(t, h, tt.method, tt.target, "Who", "admin")
		body, _ := io.ReadAll(res.Body)
		if res.StatusCode != tt.status || string(body) != tt.body+"\n" {
			t.Errorf("%s %.99s: %d %s, want %d %s", tt.method, tt.target, res.StatusCode, body, tt.status, tt.body)
		}
		if res.Header.Get("Content-Type") != "application/json" || res.Header.Get("Cache-Control") != "must-revalidate" {
			t.Errorf("%s %s: headers %v", tt.method, tt.target, res.Header)
		}
		if res.StatusCode >= 400 && res.Header.Get("ETag") != "" {
			t.Errorf("%s %s: an error with an ETag", tt.method, tt.target)
		}
		if got := res.Header.Get("Server"); got != "CouchDB/3.5.0 (settle)" {
			t.Errorf("%s %s: Server: %q", tt.method, tt.target, got)
		}
	}
}

func TestPrivileges(t *testing.T) {
	h := web.NewHandler(options(), table)
	tests := []struct {
		who, method, target string
		status              int
		reason              string
	}{
		{"", "GET", "/", 200, ""},
		{"wrong", "GET", "/", 401, "Name or password is incorrect."},
		{"", "GET", "/_all_dbs", 401, "You are not a server admin."},
		{"jan", "GET", "/_all_dbs", 401, "You are not a server admin."},
		{"", "POST", "/_all_dbs", 401, "You are not a server admin."},
		{"", "GET", "/alpha", 401, "You are not authorized to access this db."},
		{"jan", "GET", "/alpha", 403, "You are not allowed to access this db."},
		{"", "GET", "/missing", 404, "Database does not exist."},
		{"", "GET", "/_xyz", 401, "You are not a server admin."},
		{"", "GET", "/_users", 401, "You are not authorized to access this db."},
		{"", "PUT", "/missing", 401, "You are not a server admin."},
		{"", "FOO", "/alpha/doc", 401, "You are not a server admin."},
	}
	for _, tt := range tests {
		res := do(t, h, tt.method, tt.target, "Who", tt.who)
		body, _ := io.ReadAll(res.Body)
		if res.StatusCode != tt.status || !strings.Contains(string(body), tt.reason) {
			t.Errorf("%s: %s %s: %d %s, want %d %s", tt.who, tt.method, tt.target, res.StatusCode, body, tt.status, tt.reason)
		}
		if got := res.Header.Get("Set-Cookie"); (got != "") != (tt.who == "jan") {
			t.Errorf("%s: %s %s: Set-Cookie %q", tt.who, tt.method, tt.target, got)
		}
	}
}

func TestChallenge(t *testing.T) {
	h := web.NewHandler(options(), table)
	for target, want := range map[string]string{"/_all_dbs": "Basic", "/alpha": "Basic", "/missing": "", "/": ""} {
		if got := do(t, h, "GET", target, "Challenge", "Basic").Header.Get("WWW-Authenticate"); got != want {
			t.Errorf("%s: %q", target, got)
		}
	}
	if got, ok := do(t, h, "GET", "/alpha").Header["Www-Authenticate"]; ok {
		t.Errorf("a challenge nobody asked for: %q", got)
	}
}

// A browser that takes no JSON is sent to log in.
func TestLoginPage(t *testing.T) {
	h := web.NewHandler(options(), table)
	const page = "http://example.com/_utils/session.html?return=%2F_all_dbs&reason=You%20are%20not%20a%20server%20admin."
	for _, tt := range []struct {
		target, accept, challenge string
		status                    int
		location                  string
	}{
		{"/_all_dbs?a=b", "text/html", "", 302, page},
		{"/_all_dbs", "text/html;q=0.9, image/png", "", 302, page},
		{"/_all_dbs", "text/html, application/json", "", 401, ""},
		{"/_all_dbs", "text/html, */*;q=0.1", "", 401, ""},
		{"/_all_dbs", "text/plain", "", 401, ""},
		{"/_all_dbs", "text/html", "Basic", 401, ""},
		{"/missing", "text/html", "", 404, ""},
		{"/", "text/html", "", 200, ""},
	} {
		res := do(t, h, "GET", tt.target, "Accept", tt.accept, "Challenge", tt.challenge)
		body, _ := io.ReadAll(res.Body)
		if res.StatusCode != tt.status || res.Header.Get("Location") != tt.location {
			t.Errorf("%s for %s: %d %s", tt.target, tt.accept, res.StatusCode, res.Header.Get("Location"))
		}
		if tt.status == 302 && !strings.Contains(string(body), `"error":"unauthorized"`) {
			t.Errorf("%s for %s: %s", tt.target, tt.accept, body)
		}
	}
}

func TestMethodOverride(t *testing.T) {
	h := web.NewHandler(options(), table)
	tests := []struct {
		method, override string
		status           int
	}{
		{"POST", "GET", 200}, {"POST", "HEAD", 200}, {"POST", "COPY", 200},
		{"POST", "NONSENSE", 405}, {"GET", "DELETE", 200}, {"PUT", "GET", 405},
	}
	for _, tt := range tests {
		res := do(t, h, tt.method, "/alpha/doc", "Who", "admin", "X-HTTP-Method-Override", tt.override)
		body, _ := io.ReadAll(res.Body)
		if res.StatusCode != tt.status || len(body) == 0 {
			t.Errorf("%s as %s: %d %s, want %d", tt.method, tt.override, res.StatusCode, body, tt.status)
		}
	}
}
