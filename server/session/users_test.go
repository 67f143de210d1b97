package session_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"settle/server/auth"
	"settle/server/session"
	"settle/server/web"
	"settle/storage/couch"
)

// people are users, by name.
type people map[string]auth.User

func (p people) User(_ context.Context, name string) (*auth.User, error) {
	u, ok := p[name]
	if !ok {
		return nil, nil
	}
	return &u, nil
}

func (people) Rehash(context.Context, *auth.User, auth.Hash) error { return nil }

// serveUsers returns the session's endpoints, with the user ida:secret.
func serveUsers(t *testing.T, policy auth.Policy) http.Handler {
	t.Helper()
	hash, err := auth.HashPassword("secret", 10)
	if err != nil {
		t.Fatal(err)
	}
	policy.SessionTimeout, policy.Iterations = 10*time.Minute, 10
	a, err := auth.Open(t.Context(), auth.Options{
		Settings: settings{}, User: "admin", Password: "pass",
		Users: people{
			"ida":  {Name: "ida", Roles: []string{"team"}, Hash: hash, Salt: "salt"},
			"totp": {Name: "totp", Hash: hash, Salt: "salt", TOTP: &auth.TOTP{Key: []byte("key")}},
		},
		Policy: func() auth.Policy { return policy },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	return web.NewHandler(web.Options{
		Authenticate: a.Authenticate, Challenge: a.Challenge, Logger: slog.New(slog.DiscardHandler),
		Limits: func() couch.Limits { return couch.Limits{} },
	}, session.Routes(a))
}

func TestUsersLogIn(t *testing.T) {
	h := serveUsers(t, auth.Policy{})
	res, body := do(h, "POST", "/_session", `{"name":"ida","password":"secret"}`, "Content-Type", json)
	if res.StatusCode != 200 || body != `{"ok":true,"name":"ida","roles":["team"]}` {
		t.Fatalf("%d %s", res.StatusCode, body)
	}
	value, _, _ := strings.Cut(res.Header.Get("Set-Cookie"), ";")
	const want = `{"ok":true,"userCtx":{"name":"ida","roles":["team"]},"info":{"authentication_handlers":["cookie","default"],"authenticated":"cookie"}}`
	if _, body := do(h, "GET", "/_session", "", "Cookie", value); body != want {
		t.Error(body)
	}
	for _, text := range []string{`{"name":"totp","password":"secret"}`, `{"name":"totp","password":"secret","token":"000000x"}`, `{"username":"ida","password":""}`} {
		if res, body := do(h, "POST", "/_session", text, "Content-Type", json); res.StatusCode != 401 || body != incorrect {
			t.Errorf("%s: %d %s", text, res.StatusCode, body)
		}
	}
}

func TestLockedOut(t *testing.T) {
	h := serveUsers(t, auth.Policy{})
	for i := range 7 {
		password, status := "wrong", 401
		if i >= 5 {
			password, status = "secret", 403
		}
		res, body := do(h, "POST", "/_session", fmt.Sprintf(`{"name":"ida","password":"%s"}`, password), "Content-Type", json)
		if res.StatusCode != status {
			t.Errorf("try %d: %d %s", i+1, res.StatusCode, body)
		}
		if hasCookie := res.Header.Get("Set-Cookie") != ""; hasCookie != (status == 401) {
			t.Errorf("try %d: cookie %q", i+1, res.Header.Get("Set-Cookie"))
		}
	}
	if res, _ := do(h, "POST", "/_session?fail=/no", `{"name":"ida","password":"secret"}`, "Content-Type", json); res.StatusCode != 403 {
		t.Errorf("with a page for failures: %d", res.StatusCode)
	}
}

func TestNamesThatAreNumbers(t *testing.T) {
	h := serveUsers(t, auth.Policy{
		Handlers: []string{"jwt", "default"},
		JWT:      auth.JWT{Key: func(string) (string, bool) { return "aGVsbG8=", true }},
	})
	const token = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOjUsImV4cCI6NDEwMjQ0NDgwMH0.J3e1U20_sXknLNj2Va4K-pzg4xcyn8cWAlZut4TjGhA"
	const want = `{"ok":true,"userCtx":{"name":5,"roles":[]},"info":{"authentication_handlers":["jwt","default"],"authenticated":"jwt"}}`
	if _, body := do(h, "GET", "/_session", "", "Authorization", "Bearer "+token); body != want {
		t.Error(body)
	}
}
