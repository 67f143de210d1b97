package server_test

import (
	"encoding/json"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"

	"settle/server"
)

func TestServedBelowMetadata(t *testing.T) {
	g := newGate(t)
	for _, tt := range []struct {
		who, do string
		status  int
	}{
		{"", "GET /_metadata", 200},
		{"", "GET /_metadata/", 200},
		{"", "GET //_metadata//_up", 200},
		{"", "GET /%5Fmetadata/_session", 200},
		{"", "GET /_metadata/_uuids?count=2", 200},
		{"", "GET /_metadata/_all_dbs", 401},
		{"admin", "GET /_metadata/_all_dbs", 200},
		{"admin", "GET /_metadata/_dbs_info", 200},
		{"admin", "GET /_metadata/_active_tasks", 404},
		{"", "GET /_metadata/_active_tasks", 404},
		{"admin", "POST /_metadata/_active_tasks", 404},
		{"admin", "GET /_metadata/_membership", 404},
		{"admin", "GET /_metadata/_cluster_setup", 404},
		{"admin", "GET /_metadata/_reshard/jobs", 404},
		{"admin", "GET /_metadata/_node/_local/_config", 404},
		{"admin", "PUT /_metadata/_node/_local/_config/a/b", 404},
		{"admin", "POST /_metadata/_replicate", 404},
		{"admin", "GET /_metadata/_scheduler/jobs", 404},
		{"admin", "GET /_metadata/_utils/", 404},
		{"admin", "GET /_metadata/_metadata", 404},
		{"admin", "GET /_metadata/_metadata/db", 404},
		{"admin", "GET /_metadata%2Fdb", 404},
		{"admin", "GET /_metadata/missing", 404},
		{"admin", "PUT /_metadata/db/x", 201},
		{"reader", "GET /_metadata/db/x", 200},
		{"reader", "PUT /_metadata/db/y", 403},
		{"reader", "PUT /_metadata/db/_metadata_options", 403},
		{"member", "PUT /_metadata/db/_metadata_options", 403},
		{"member", "PUT /db/_metadata_options", 403},
		{"boss", "PUT /db/_metadata_options", 400},
		{"", "GET /_metadata/db", 401},
		{"stranger", "GET /_metadata/db", 403},
		{"", "GET /_metadata/_users/_all_docs?include_docs=true", 401},
		{"boss", "GET /_metadata/_users/_changes?include_docs=true", 401},
		{"boss", "GET /_metadata/_users/org.couchdb.user:reader", 403},
		{"boss", "PUT /_metadata/_users/_metadata_options", 403},
		{"boss", "GET /_metadata/_replicator/_all_docs", 401},
		{"", "PUT /_metadata/another", 401},
		{"admin", "PUT /_metadata/another", 201},
		{"admin", "DELETE /another", 200},
	} {
		g.prepare()
		method, path, _ := strings.Cut(tt.do, " ")
		if status, body := g.send(tt.who, method, path, "{}"); status != tt.status || status >= 300 && strings.Contains(body, "derived_key") {
			t.Errorf("%s by %q: %d %s", tt.do, tt.who, status, body)
		}
	}
}

// TestAccountsAreClosedBelowMetadata gives an account an attachment and lets one of
// its members be public.
func TestAccountsAreClosedBelowMetadata(t *testing.T) {
	g := newGate(t)
	if status, body := g.send("admin", "PUT", "/_node/_local/_config/chttpd_auth/public_fields", `"name"`); status != 200 {
		t.Fatalf("%d %s", status, body)
	}
	accounts, err := g.options.Store.Database(t.Context(), "_users")
	if err == nil {
		err = accounts.SetSecurity(t.Context(), []byte("{}"))
	}
	if err != nil {
		t.Fatal(err)
	}
	_, text := g.send("admin", "GET", "/_users/org.couchdb.user:reader", "")
	rev := regexp.MustCompile(`"_rev":"([^"]*)"`).FindStringSubmatch(text)[1]
	if status, body := g.send("admin", "PUT", "/_users/org.couchdb.user:reader/secret?rev="+rev, "content"); status != 201 {
		t.Fatalf("%d %s", status, body)
	}
	for _, prefix := range []string{"", "/_metadata"} {
		for _, path := range []string{"org.couchdb.user:reader", "org.couchdb.user:reader?open_revs=all", "_bulk_get"} {
			method := "GET"
			if path == "_bulk_get" {
				method = "POST"
			}
			status, body := g.send("boss", method, prefix+"/_users/"+path, `{"docs":[{"id":"org.couchdb.user:reader"}]}`)
			if status != 200 || !strings.Contains(body, `"name":"reader"`) || strings.Contains(body, "derived_key") || strings.Contains(body, "secret") || strings.Contains(body, "attachments") {
				t.Errorf("%s/%s: %d %s", prefix, path, status, body)
			}
		}
	}
	if _, body := g.send("admin", "GET", "/_metadata/_users/org.couchdb.user:reader", ""); !strings.Contains(body, `"attachments_meta":{"secret"`) {
		t.Errorf("an administrator sees %s", body)
	}
}

func TestMetadataServerIsItsOwn(t *testing.T) {
	r := start(t)
	uuid := func(path string) string {
		var welcome struct{ UUID string }
		if err := json.Unmarshal([]byte(r.ok("GET", path, "")), &welcome); err != nil {
			t.Fatal(err)
		}
		return welcome.UUID
	}
	own := uuid("/_metadata/")
	if own == uuid("/") || own != uuid("/_metadata") || len(own) != 32 {
		t.Errorf("the uuid is %s", own)
	}
	r.ok("PUT", "/db", "")
	for path, want := range map[string]string{"/_metadata/db/a": "/_metadata/db/a", "/db/b": "/db/b", "/_metadata/db2": "/_metadata/db2"} {
		res := r.send("PUT", path, strings.NewReader("{}"))
		io.Copy(io.Discard, res.Body)
		res.Body.Close()
		if got := res.Header.Get("Location"); got != r.url+want {
			t.Errorf("PUT %s: Location %s", path, got)
		}
	}
	for _, path := range []string{"", "/_security", "/_revs_limit", "/_changes", "/_all_docs"} {
		if a, b := r.ok("GET", "/db"+path, ""), r.ok("GET", "/_metadata/db"+path, ""); a != b {
			t.Errorf("%s: %s and %s", path, a, b)
		}
	}
}

// TestPrivilegesBelowMetadata tries every route of a database below the prefix as
// people who may do less than its table says, and as those who may.
func TestPrivilegesBelowMetadata(t *testing.T) {
	g := newGate(t)
	tried := 0
	for _, route := range server.Routes(g.options) {
		if !strings.HasPrefix(route.Path, "/:db") {
			continue
		}
		path := "/_metadata" + placeholders.Replace(route.Path)
		for _, person := range people[1:5] {
			g.prepare()
			status, body := g.send(person.name, route.Method, path, "{}")
			allowed := slices.Contains(person.allowed, route.Privilege)
			if refused := status == 401 || status == 403; refused == allowed {
				t.Errorf("%s %s by %q: %d %s", route.Method, path, person.name, status, body)
			}
			tried++
		}
	}
	if tried < 100 {
		t.Errorf("only %d requests were tried", tried)
	}
}
