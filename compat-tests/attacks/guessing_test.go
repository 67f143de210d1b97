package attacks_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"testing"
	"time"
)

// TestTimeTellsNothing wants a wrong password of somebody to take as long as any
// of nobody.
func TestTimeTellsNothing(t *testing.T) {
	f := newFort(t)
	f.configure("chttpd_auth_lockout/mode", "off")
	f.configure("chttpd_auth/iterations", "40000")
	f.must("PUT", accounts+"carol", `{"name":"carol","password":"x","roles":[],"type":"user"}`)
	for how, login := range map[string]func(person) string{
		"Basic": func(p person) string { return request("GET", "/vault/gold", "", p.headers()...) },
		"a session": func(p person) string {
			return request("POST", "/_session", fmt.Sprintf(`{"name":"%s","password":"%s"}`, p.name, p.password), "Content-Type: application/json")
		},
	} {
		compareTimes(t, how, map[string]func(i int) time.Duration{
			"carol":           func(i int) time.Duration { return f.guess(login(person{"carol", fmt.Sprint("wrong ", i)})) },
			"nobody":          func(i int) time.Duration { return f.guess(login(person{fmt.Sprint("nobody ", i), "wrong"})) },
			"the same nobody": func(i int) time.Duration { return f.guess(login(person{"nobody", fmt.Sprint("wrong ", i)})) },
		})
	}
}

// TestTimeTellsNoAdministrator does the same with the rounds that a server has of
// itself.
func TestTimeTellsNoAdministrator(t *testing.T) {
	f := newFort(t)
	f.configure("chttpd_auth_lockout/mode", "off")
	f.must("DELETE", "/_node/_local/_config/chttpd_auth/iterations", "")
	guess := func(name string) func(i int) time.Duration {
		return func(i int) time.Duration {
			return f.guess(request("GET", "/_all_dbs", "", person{name, fmt.Sprint("wrong ", i)}.headers()...))
		}
	}
	compareTimes(t, "Basic", map[string]func(i int) time.Duration{"admin": guess("admin"), "nobody": guess("nobody")})
}

// guess makes a request with a wrong password, and returns how long it took.
func (f *fort) guess(text string) time.Duration {
	f.t.Helper()
	begun := time.Now()
	if a := f.ask(text); a.status != http.StatusUnauthorized {
		f.t.Fatalf("a wrong password: %d %s", a.status, a.body)
	}
	return time.Since(begun)
}

// compareTimes wants the guesses of all names to take about as long. Of each name the
// shortest counts: what else the machine does makes them longer, and more are made as
// long as they differ. A guess that computes no hash, or another's, is much faster or
// slower however many there are.
func compareTimes(t *testing.T, how string, guesses map[string]func(i int) time.Duration) {
	t.Helper()
	const few, most = 6, 120
	shortest := map[string]time.Duration{}
	for i := range most {
		for name, guess := range guesses {
			took := guess(i)
			if before, ok := shortest[name]; !ok || took < before {
				shortest[name] = took
			}
		}
		all := slices.Collect(maps.Values(shortest))
		if i >= few && slices.Max(all) <= 3*slices.Min(all) {
			return
		}
	}
	t.Errorf("%s: the shortest guesses take %v", how, shortest)
}

// TestGuessing wants guesses to be refused after some, whatever else is sent with
// them, and the right password too, but nobody who has logged in before.
func TestGuessing(t *testing.T) {
	t.Parallel()
	f := newFort(t)
	for i := range 12 {
		p := person{"bob", fmt.Sprint("guess ", i)}
		headers := append(p.headers(), fmt.Sprintf("X-Forwarded-For: 10.0.0.%d", i), fmt.Sprintf("X-Real-IP: 10.0.0.%d", i), fmt.Sprintf("Forwarded: for=10.0.0.%d", i))
		want := 401
		if i >= 5 {
			want = 403
		}
		if a := f.ask(request("GET", "/vault/gold", "", headers...)); a.status != want {
			t.Errorf("guess %d: %d %s", i, a.status, a.body)
		}
	}
	f.refused(f.with("the right one", bob.headers()...)...)
	f.refused(ask{"POST", "/_session", fmt.Sprintf(`{"name":"bob","password":"%s"}`, bob.password)}.as(anonymous))
	if a := f.ask(request("GET", "/lobby", "", eve.headers()...)); a.status != 200 {
		t.Errorf("eve: %d %s", a.status, a.body)
	}
}

// TestGuessingBehindProxies wants those behind a trusted proxy to be told apart by what
// the proxy says, and not by what they say themselves.
func TestGuessingBehindProxies(t *testing.T) {
	t.Parallel()
	f := newFort(t)
	guess := func(p person, forwarded string) int {
		return f.ask(request("GET", "/vault/gold", "", append(p.headers(), "X-Forwarded-For: "+forwarded)...)).status
	}
	const proxies = "chttpd/trusted_proxies"
	f.configure(proxies, "192.0.2.1")
	for i := range 6 {
		if got, want := guess(person{"bob", "wrong"}, fmt.Sprintf("10.0.0.%d", i)), 401+i/5*2; got != want {
			t.Errorf("guess %d by somebody who is no proxy: %d, want %d", i, got, want)
		}
	}
	f.configure(proxies, "127.0.0.1, 192.0.2.1")
	for i := range 6 {
		if got, want := guess(person{"bob", "wrong"}, fmt.Sprintf("10.0.0.%d, 203.0.113.7, 192.0.2.1", i)), 401+i/5*2; got != want {
			t.Errorf("guess %d by one client: %d, want %d", i, got, want)
		}
	}
	if got := guess(bob, "203.0.113.7"); got != 403 {
		t.Errorf("the right one from there: %d", got)
	}
	if got := guess(bob, "203.0.113.8"); got != 200 {
		t.Errorf("from elsewhere: %d", got)
	}
}
