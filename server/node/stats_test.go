package node_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"settle/server/auth"
	"settle/server/config"
	"settle/server/node"
	"settle/server/web"
	"settle/storage/couch"
)

// newCounted serves the node's endpoints to whoever has the role that the header
// names, and counts.
func newCounted(t *testing.T) http.Handler {
	t.Helper()
	s := &store{settings: map[string][]byte{}}
	c, err := config.Open(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	counters := node.NewCounters()
	return web.NewHandler(web.Options{
		Authenticate: func(req *http.Request) (auth.Session, error) {
			return auth.Session{User: couch.UserCtx{Name: "jan", Roles: []string{req.Header.Get("Role")}}}, nil
		},
		Challenge: func(*http.Request) string { return "" },
		Count:     counters.CountRequest,
		Limits:    c.Limits,
		Logger:    slog.New(slog.DiscardHandler),
	}, node.Routes(s, c, &admins{}, counters))
}

func ask(h http.Handler, role, path string) *httptest.ResponseRecorder {
	req := httptest.NewRequest("GET", path, nil)
	req.Header.Set("Role", role)
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, req)
	return rec
}

func TestStats(t *testing.T) {
	h := newCounted(t)
	ask(h, "", "/")
	ask(h, "", "/")
	ask(h, "", "/_all_dbs")
	for _, tt := range []struct {
		role, path string
		status     int
		want       string
	}{
		{"_metrics", "/_node/_local/_stats/couchdb/httpd/requests", 200, `{"value":3,"type":"counter","desc":"number of HTTP requests"}`},
		{"_admin", "/_node/_local/_stats/couchdb/httpd_request_methods/GET/value", 404, `{"error":"not_found","reason":"missing"}`},
		{"_admin", "/_node/_local/_stats/couchdb/httpd_status_codes/401", 200, `{"value":1,"type":"counter","desc":"number of HTTP 401 responses"}`},
		{"_admin", "/_node/_local/_stats/nothing", 404, `{"error":"not_found","reason":"missing"}`},
		{"_admin", "/_node/other/_stats", 404, `{"error":"not_found","reason":"no such node: other"}`},
		{"team", "/_node/_local/_stats", 401, `{"error":"unauthorized","reason":"You are not a server admin or read-only metrics user"}`},
		{"_metrics", "/_node/_local/_config", 401, `{"error":"unauthorized","reason":"You are not a server admin."}`},
	} {
		rec := ask(h, tt.role, tt.path)
		if got := strings.TrimSpace(rec.Body.String()); rec.Code != tt.status || got != tt.want {
			t.Errorf("%s by %s: %d %s, want %d %s", tt.path, tt.role, rec.Code, got, tt.status, tt.want)
		}
	}
}

func TestSystem(t *testing.T) {
	rec := ask(newCounted(t), "_metrics", "/_node/_local/_system")
	var got struct {
		Uptime    *int64
		Memory    map[string]int64
		Processes int `json:"process_count"`
	}
	if err := json.Unmarshal(rec.Body.Bytes(), &got); err != nil || got.Uptime == nil || got.Memory["binary"] <= 0 || got.Processes <= 0 {
		t.Errorf("%s %v", rec.Body, err)
	}
}

func TestPrometheus(t *testing.T) {
	h := newCounted(t)
	ask(h, "", "/")
	rec := ask(h, "_metrics", "/_node/_local/_prometheus")
	want := `# TYPE couchdb_uptime_seconds counter
couchdb_uptime_seconds 0
# TYPE couchdb_httpd_requests_total counter
couchdb_httpd_requests_total 1
# TYPE couchdb_httpd_request_methods counter
couchdb_httpd_request_methods{method="GET"} 1
# TYPE couchdb_httpd_status_codes counter
couchdb_httpd_status_codes{code="200"} 1
`
	if diff := cmp.Diff(want, rec.Body.String()); diff != "" || !strings.HasPrefix(rec.Header().Get("Content-Type"), "text/plain") {
		t.Errorf("%s %s", rec.Header(), diff)
	}
}

// TestFleetingValues sets values that are not to last.
func TestFleetingValues(t *testing.T) {
	h := newCounted(t)
	send := func(method, path, body, persist string) string {
		req := httptest.NewRequest(method, "/_node/_local/_config/"+path, strings.NewReader(body))
		req.Header.Set("Role", "_admin")
		req.Header.Set("X-Couch-Persist", persist)
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, req)
		return strings.TrimSpace(rec.Body.String())
	}
	for _, step := range [][5]string{
		{"PUT", "a/b", `"kept"`, "true", `""`},
		{"PUT", "a/b", `"fleeting"`, "false", `"kept"`},
		{"GET", "a/b", "", "", `"fleeting"`},
		{"POST", "_reload", "", "", `{"ok":true}`},
		{"GET", "a/b", "", "", `"kept"`},
	} {
		if got := send(step[0], step[1], step[2], step[3]); got != step[4] {
			t.Errorf("%s %s: %s, want %s", step[0], step[1], got, step[4])
		}
	}
}
