package session_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"settle/server/auth"
	"settle/server/session"
	"settle/server/web"
	"settle/storage/couch"
)

// settings is a store of settings in memory.
type settings map[string][]byte

func (s settings) Setting(_ context.Context, key string) ([]byte, error) { return s[key], nil }

func (s settings) SetSetting(_ context.Context, key string, value []byte) error {
	s[key] = value
	return nil
}

// serve returns the session's endpoints, with the administrator admin:pass.
func serve(t *testing.T) http.Handler {
	t.Helper()
	a, err := auth.Open(t.Context(), auth.Options{
		Settings: settings{}, User: "admin", Password: "pass",
		Policy: func() auth.Policy {
			return auth.Policy{SessionTimeout: 10 * time.Minute, Persistent: true, Iterations: 10}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return web.NewHandler(web.Options{
		Authenticate: a.Authenticate, Challenge: a.Challenge, Logger: slog.New(slog.DiscardHandler),
		Limits: func() couch.Limits { return couch.Limits{} },
	}, session.Routes(a))
}

// do sends a request and returns the answer with its body.
func do(h http.Handler, method, target, body string, header ...string) (*http.Response, string) {
	req := httptest.NewRequest(method, target, strings.NewReader(body))
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, req)
	text, _ := io.ReadAll(rec.Result().Body)
	return rec.Result(), strings.TrimSuffix(string(text), "\n")
}

const (
	form = "application/x-www-form-urlencoded"
	json = "application/json"

	loggedIn  = `{"ok":true,"name":"admin","roles":["_admin"]}`
	asCookie  = `{"ok":true,"userCtx":{"name":"admin","roles":["_admin"]},"info":{"authentication_handlers":["cookie","default"],"authenticated":"cookie"}}`
	anonymous = `{"ok":true,"userCtx":{"name":null,"roles":[]},"info":{"authentication_handlers":["cookie","default"]}}`
	incorrect = `{"error":"unauthorized","reason":"Name or password is incorrect."}`
)

func TestLogin(t *testing.T) {
	h := serve(t)
	tests := []struct {
		query, contentType, body string
		status                   int
		want                     string
	}{
		{"", form, "name=admin&password=pass", 200, loggedIn},
		{"", form + "; charset=utf-8", "username=admin&password=pass", 200, loggedIn},
		{"", json, `{"name":"admin","password":"pass"}`, 200, loggedIn},
		{"", json, `{"username":"admin","password":"pass"}`, 200, loggedIn},
		{"", json, `{"name":"admin","username":"admin","password":"pass"}`, 200, loggedIn},
		{"?next=/alpha", json, `{"name":"admin","password":"pass"}`, 302, loggedIn},
		{"?next=", json, `{"name":"admin","password":"pass"}`, 400, `{"error":"bad_request","reason":"redirect path must begin with \"/\""}`},
		{"?next=http://evil", json, `{"name":"admin","password":"pass"}`, 400, `{"error":"bad_request","reason":"redirect path must begin with \"/\""}`},
		{"?fail=/no", json, `{"name":"admin","password":"no"}`, 302, incorrect},
		{"?fail=no", json, `{"name":"admin","password":"no"}`, 400, `{"error":"bad_request","reason":"redirect path must begin with \"/\""}`},
		{"", json, `{"name":"","password":"pass"}`, 401, incorrect},
		{"", form, "name=&password=", 401, incorrect},
		{"", form, "password=pass", 400, `{"error":"bad_request","reason":"request body must contain a username"}`},
		{"", json, `{"name":null}`, 400, `{"error":"bad_request","reason":"request body must contain a username"}`},
		{"", form, "name=admin&username=ida&password=pass", 400, `{"error":"bad_request","reason":"request body contains different usernames"}`},
		{"", json, `{"name":"","username":"admin","password":"pass"}`, 400, `{"error":"bad_request","reason":"request body contains different usernames"}`},
		{"", json, `{"name":"admin","password":"no"}`, 401, incorrect},
		{"", json, `{"name":"admin"}`, 401, incorrect},
		{"", json, `{"password":"pass"}`, 400, `{"error":"bad_request","reason":"request body must contain a username"}`},
		{"", json, `{"name":5,"password":"pass"}`, 400, "{\"error\":\"bad_request\",\"reason\":\"`name` has the wrong type\"}"},
		{"", json, `[]`, 400, `{"error":"bad_request","reason":"Request body must be a JSON object"}`},
		{"", json, `{`, 400, `{"error":"bad_request","reason":"invalid UTF-8 JSON"}`},
		{"", "text/plain", `{}`, 415, `{"error":"bad_content_type","reason":"Content-Type must be application/json"}`},
		{"", json, `{"name":"` + strings.Repeat("n", 70_000) + `"}`, 413, `{"error":"too_large","reason":"the request entity is too large"}`},
	}
	for _, tt := range tests {
		res, body := do(h, "POST", "/_session"+tt.query, tt.body, "Content-Type", tt.contentType)
		if res.StatusCode != tt.status || body != tt.want {
			t.Errorf("%s %.60s: %d %s", tt.query, tt.body, res.StatusCode, body)
		}
		value, _, _ := strings.Cut(res.Header.Get("Set-Cookie"), ";")
		switch tt.status {
		case 200:
			if _, body := do(h, "GET", "/_session/x", "", "Cookie", value); body != asCookie {
				t.Errorf("%s: with the cookie %q: %s", tt.body, value, body)
			}
		case 401:
			if value != "AuthSession=" {
				t.Errorf("%s: cookie %q", tt.body, value)
			}
		case 302:
			if location := res.Header.Get("Location"); !strings.HasPrefix(location, "http://example.com/") {
				t.Errorf("%s: location %q", tt.query, location)
			}
		}
	}
}

// A log-in that fails is told of as it is, whatever the client takes.
func TestFailedLoginForPages(t *testing.T) {
	h := serve(t)
	res, body := do(h, "POST", "/_session", "name=admin&password=no", "Content-Type", form, "Accept", "text/html", "X-CouchDB-WWW-Authenticate", "Cookie")
	if res.StatusCode != 401 || body != incorrect || res.Header.Get("WWW-Authenticate") != "" {
		t.Errorf("%d %s %v", res.StatusCode, body, res.Header)
	}
}

func TestGetAndDelete(t *testing.T) {
	h := serve(t)
	if _, body := do(h, "GET", "/_session", ""); body != anonymous {
		t.Error(body)
	}
	res, body := do(h, "GET", "/_session?basic=true", "", "X-CouchDB-WWW-Authenticate", "Cookie")
	if res.StatusCode != 401 || body != `{"error":"unauthorized","reason":"Please login."}` || res.Header.Get("WWW-Authenticate") != "Cookie" {
		t.Errorf("%d %s %v", res.StatusCode, body, res.Header)
	}
	res, body = do(h, "DELETE", "/_session", "")
	if body != `{"ok":true}` || !strings.HasPrefix(res.Header.Get("Set-Cookie"), "AuthSession=; Version=1; ") {
		t.Errorf("%s %v", body, res.Header)
	}
	if res, body := do(h, "PUT", "/_session", "{}"); res.StatusCode != 405 || res.Header.Get("Allow") != "GET,HEAD,POST,DELETE" {
		t.Errorf("%d %s %v", res.StatusCode, body, res.Header)
	}
}
