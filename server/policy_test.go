package server_test

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"settle/server/config"
)

func TestPasswordRegexp(t *testing.T) {
	g := newGate(t)
	if _, err := g.options.Config.Set(t.Context(), config.PasswordRegexp, `[{".{8,}", "At least 8 characters."}, "\\d"]`, true); err != nil {
		t.Fatal(err)
	}
	// Once there, the user is a conflict.
	for _, test := range []struct {
		password string
		want     int
	}{{"short1", 400}, {"long enough", 400}, {"long enough 1", 201}} {
		doc := `{"name":"new","roles":[],"type":"user","password":"` + test.password + `"}`
		if status, body := g.send("admin", "PUT", "/_users/org.couchdb.user:new", doc); status != test.want {
			t.Errorf("%s: %d %s, want %d", test.password, status, body, test.want)
		}
	}
	if status, body := g.send("stranger", "GET", "/_session", ""); status != 200 {
		t.Errorf("an old password: %d %s", status, body)
	}
}

func TestChallenge(t *testing.T) {
	g := newGate(t)
	old := config.ID{Section: "httpd", Key: "WWW-Authenticate"}
	if _, err := g.options.Config.Set(t.Context(), old, `Basic realm="couchdb"`, true); err != nil {
		t.Fatal(err)
	}
	if got := g.options.Auth.Challenge(httptest.NewRequest("GET", "/", nil)); got != `Basic realm="couchdb"` {
		t.Errorf("challenge %q", got)
	}
}

func TestChangesTimeout(t *testing.T) {
	g := newGate(t)
	g.prepare()
	if _, err := g.options.Config.Set(t.Context(), config.ChangesTimeout, "20", true); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	status, body := g.send("reader", "GET", "/db/_changes?feed=longpoll&since=now&timeout=60000", "")
	if took := time.Since(start); status != 200 || took > 50*time.Second {
		t.Errorf("%d %s after %v", status, body, took)
	}
}

func TestFindSettings(t *testing.T) {
	g := newGate(t)
	g.prepare()
	for id, value := range map[config.ID]string{config.FindLimit: "7", config.FindScanWarning: "0"} {
		if _, err := g.options.Config.Set(t.Context(), id, value, true); err != nil {
			t.Fatal(err)
		}
	}
	if status, body := g.send("reader", "POST", "/db/_explain", `{"selector":{}}`); status != 200 || !strings.Contains(body, `"limit":7,`) {
		t.Errorf("%d %s", status, body)
	}
}
