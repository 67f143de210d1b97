package web_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"settle/server/web"
)

// What a client sends must not reach the log, also where a handler panics with it.
func TestLogHoldsNoContent(t *testing.T) {
	var log bytes.Buffer
	o := options()
	o.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	h := web.NewHandler(o, table)
	for _, target := range []string{"/secret-db", "/alpha/secret-id?key=secret-key", "/alpha/d/secret-name", "/d/secret?%zz"} {
		do(t, h, "GET", target, "Who", "admin", "Authorization", "Basic secret", "Cookie", "AuthSession=secret", "X-Secret", "secret")
	}
	do(t, h, "secret", "/alpha/secret-id", "Who", "admin")
	do(t, h, "POST", "/_panic")
	text := log.String()
	if strings.Contains(strings.ToLower(text), "secret") {
		t.Errorf("the log holds what a client sent:\n%s", text)
	}
	for _, want := range []string{"route=/:db/:doc ", "status=200", `msg="a handler panicked"`, "handler_test.go"} {
		if !strings.Contains(text, want) {
			t.Errorf("the log has no %s:\n%s", want, text)
		}
	}
}

func TestLogNamesTheCause(t *testing.T) {
	var log bytes.Buffer
	o := options()
	o.Logger = slog.New(slog.NewTextHandler(&log, nil))
	res := do(t, web.NewHandler(o, table), "POST", "/_fail")
	id := res.Header.Get("X-Couch-Request-ID")
	if text := log.String(); id == "" || !strings.Contains(text, "id="+id) || !strings.Contains(text, `error="secret cause"`) {
		t.Errorf("request %q, log %s", id, text)
	}
}
