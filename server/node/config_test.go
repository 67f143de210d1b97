package node_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"settle/server/auth"
	"settle/server/config"
	"settle/server/node"
	"settle/server/web"
	"settle/storage/couch"
)

// admins is one administrator, jan, whom nothing changes.
type admins struct{ set, removed string }

func (a *admins) Names() []string { return []string{"jan"} }

func (a *admins) SetPassword(_ context.Context, name, password string) error {
	a.set = name + ":" + password
	return nil
}

func (a *admins) Remove(_ context.Context, name string) error {
	if name != "jan" {
		return couch.ErrNotFound
	}
	a.removed = name
	return nil
}

func TestConfig(t *testing.T) {
	s := &store{settings: map[string][]byte{}}
	c, err := config.Open(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	accounts := &admins{}
	h := web.NewHandler(web.Options{
		Authenticate: func(req *http.Request) (auth.Session, error) {
			if req.Header.Get("Who") == "" {
				return auth.Session{}, nil
			}
			return auth.Session{User: couch.UserCtx{Name: "jan", Roles: []string{couch.AdminRole}}}, nil
		},
		Challenge: func(*http.Request) string { return "" },
		Limits:    c.Limits,
		Logger:    slog.New(slog.DiscardHandler),
	}, node.Routes(s, c, accounts, node.NewCounters()))
	const root = "/_node/_local/_config"
	steps := []struct {
		who, method, target, body string
		status                    int
		want                      string
	}{
		{"jan", "GET", root, "", 200, `{"admins":{"jan":"[redacted]"},"couchdb":{"single_node":"true"}}`},
		{"", "GET", root, "", 401, `{"error":"unauthorized","reason":"You are not a server admin."}`},
		{"", "PUT", root + "/a/b", `"x"`, 401, `{"error":"unauthorized","reason":"You are not a server admin."}`},
		{"jan", "GET", "/_node/other/_config", "", 404, `{"error":"not_found","reason":"no such node: other"}`},
		{"jan", "PUT", root + "/a/b", `" one "`, 200, `""`},
		{"jan", "PUT", root + "/a/b", `"two"`, 200, `"one"`},
		{"jan", "GET", root + "/a/b", "", 200, `"two"`},
		{"jan", "GET", root + "/a", "", 200, `{"b":"two"}`},
		{"jan", "GET", root + "/a/b/c", "", 404, `{"error":"not_found","reason":"missing"}`},
		{"jan", "PUT", root + "/a/b", `5`, 400, `{"error":"bad_request","reason":"a JSON string expected"}`},
		{"jan", "PUT", root + "/a/b", `null`, 400, `{"error":"bad_request","reason":"a JSON string expected"}`},
		{"jan", "PUT", root + "/a/b", ``, 400, `{"error":"bad_request","reason":"invalid UTF-8 JSON"}`},
		{"jan", "PUT", root + "/a/b", "\"\xff\"", 400, `{"error":"bad_request","reason":"invalid UTF-8 JSON"}`},
		{"jan", "PUT", root + "/couchdb/max_document_size", `"big"`, 400, `{"error":"bad_request","reason":"couchdb/max_document_size cannot have that value"}`},
		{"jan", "PUT", root + "/a/b", `"one\ntwo"`, 400, `{"error":"bad_request","reason":"Invalid configuration value"}`},
		{"jan", "PUT", root + "/a/b", `"\u0000"`, 400, `{"error":"bad_request","reason":"Invalid configuration value"}`},
		{"jan", "PUT", root + "/a/b%0A", `"x"`, 400, `{"error":"bad_request","reason":"Invalid configuration key"}`},
		{"jan", "PUT", root + "/a/%5Bb", `"x"`, 400, `{"error":"bad_request","reason":"Invalid configuration key"}`},
		{"jan", "PUT", root + "/a%5D/b", `"x"`, 400, `{"error":"bad_request","reason":"Invalid configuration section"}`},
		{"jan", "PUT", root + "/a%0D/b", `"x"`, 400, `{"error":"bad_request","reason":"Invalid configuration section"}`},
		{"jan", "PUT", root + "/query_servers/b", `"x"`, 403, `{"error":"forbidden","reason":"Config section blacklisted for modification over HTTP API."}`},
		{"jan", "PUT", root + "/os_daemons/b", ``, 403, `{"error":"forbidden","reason":"Config section blacklisted for modification over HTTP API."}`},
		{"jan", "DELETE", root + "/daemons/b", ``, 403, `{"error":"forbidden","reason":"Config section blacklisted for modification over HTTP API."}`},
		{"jan", "PUT", root + "/a/b", `"\tt\two\n"`, 200, `"two"`},
		{"jan", "PUT", root + "/a/b", `"two"`, 200, `"t\two"`},
		{"jan", "DELETE", root + "/a/b", "", 200, `"two"`},
		{"jan", "DELETE", root + "/a/b", "", 404, `{"error":"not_found","reason":"unknown_config_value"}`},
		{"jan", "GET", root + "/a/b", "", 404, `{"error":"not_found","reason":"unknown_config_value"}`},
		{"jan", "GET", root + "/admins/jan", "", 200, `"[redacted]"`},
		{"jan", "PUT", root + "/admins/ida", `"secret"`, 200, `""`},
		{"jan", "DELETE", root + "/admins/ida", "", 404, `{"error":"not_found","reason":"unknown_config_value"}`},
		{"jan", "DELETE", root + "/admins/jan", "", 200, `""`},
		{"jan", "PUT", root + "/admins/jan", `"[redacted]"`, 400, `{"error":"bad_request","reason":"[redacted] stands for a value that is not shown"}`},
		{"jan", "PUT", root + "/jwt_keys/hmac:a", `"c2VjcmV0"`, 200, `""`},
		{"jan", "PUT", root + "/jwt_keys/hmac:a", `"[redacted]"`, 400, `{"error":"bad_request","reason":"[redacted] stands for a value that is not shown"}`},
		{"jan", "PUT", root + "/jwt_keys/hmac:a", `"c2VjcmV1"`, 200, `"c2VjcmV0"`},
		{"jan", "PUT", root + "/chttpd_auth/secret", `"s3cret"`, 200, `""`},
		{"jan", "GET", root + "/jwt_keys/hmac:a", "", 200, `"[redacted]"`},
		{"jan", "GET", root + "/jwt_keys", "", 200, `{"hmac:a":"[redacted]"}`},
		{"jan", "GET", root + "/chttpd_auth", "", 200, `{"secret":"[redacted]"}`},
		{"jan", "GET", root, "", 200, `{"admins":{"jan":"[redacted]"},"chttpd_auth":{"secret":"[redacted]"},"couchdb":{"single_node":"true"},"jwt_keys":{"hmac:a":"[redacted]"}}`},
		{"jan", "DELETE", root + "/chttpd_auth/secret", "", 200, `"s3cret"`},
		{"jan", "DELETE", root + "/jwt_keys/hmac:a", "", 200, `"c2VjcmV1"`},
		{"jan", "DELETE", root + "/jwt_keys/hmac:a", "", 404, `{"error":"not_found","reason":"unknown_config_value"}`},
		{"jan", "PUT", root + "/mailer/api_key", `"abc"`, 200, `""`},
		{"jan", "GET", root + "/mailer", "", 200, `{"api_key":"[redacted]"}`},
		{"jan", "DELETE", root + "/mailer/api_key", "", 200, `"abc"`},
		{"jan", "POST", root + "/_reload", "", 200, `{"ok":true}`},
		{"jan", "POST", root + "/a/b", `"x"`, 405, `{"error":"method_not_allowed","reason":"Only GET,HEAD,PUT,DELETE allowed"}`},
	}
	for _, step := range steps {
		req := httptest.NewRequest(step.method, step.target, strings.NewReader(step.body))
		req.Header.Set("Who", step.who)
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, req)
		body, _ := io.ReadAll(rec.Body)
		if rec.Code != step.status || string(body) != step.want+"\n" {
			t.Errorf("%s %s %s: %d %s, want %d %s", step.method, step.target, step.body, rec.Code, body, step.status, step.want)
		}
	}
	if accounts.set != "ida:secret" || accounts.removed != "jan" {
		t.Errorf("the administrators were told %+v", accounts)
	}
	if diff := c.Section("admins"); len(diff) != 0 {
		t.Errorf("the configuration holds passwords: %v", diff)
	}
}
