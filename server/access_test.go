package server_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"settle/server"
	"settle/server/auth"
	"settle/server/users"
	"settle/server/web"
	"settle/storage"
	"settle/storage/couch"
)

// gate is a server with accounts, and a database "db" with readers, members and
// administrators.
type gate struct {
	t       *testing.T
	options server.Options
	handler http.Handler
}

func newGate(t *testing.T) *gate { return newGateWith(t, startOptions{}) }

func newGateWith(t *testing.T, o startOptions) *gate {
	t.Helper()
	g := &gate{t: t, options: startWith(t, o).options}
	store := g.options.Store
	if err := server.CreateSystemDatabases(t.Context(), store); err != nil {
		t.Fatal(err)
	}
	var err error
	if g.options.Auth, err = auth.Open(t.Context(), auth.Options{
		Settings: store, Users: &users.Remembered{Source: users.Source{Databases: store}}, Policy: server.AuthPolicy(g.options.Config), User: "admin", Password: "pass",
	}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.options.Auth.Close)
	g.handler = server.New(g.options).Handler()
	for _, name := range []string{"stranger", "reader", "postman", "member", "boss", "meter"} {
		roles := `[]`
		if name == "meter" {
			roles = `["_metrics"]`
		}
		status, body := g.send("admin", "PUT", "/_users/org.couchdb.user:"+name, `{"name":"`+name+`","password":"pass","roles":`+roles+`,"type":"user"}`)
		if status != 201 {
			t.Fatalf("%s: %d %s", name, status, body)
		}
	}
	return g
}

// prepare makes the database anew where it is gone, with one document.
func (g *gate) prepare() {
	db, err := g.options.Store.CreateDatabase(context.Background(), "db", storage.CreateOptions{})
	if errors.Is(err, couch.ErrDatabaseExists) {
		db, err = g.options.Store.Database(context.Background(), "db")
	}
	if err == nil {
		err = db.SetSecurity(context.Background(), []byte(`{"readers_only":{"names":["reader"]},"members":{"names":["member"]},"deliverers":{"names":["postman"]},"admins":{"names":["boss"]}}`))
	}
	if err != nil {
		g.t.Fatal(err)
	}
}

// send makes a request as somebody; "" is anonymous.
func (g *gate) send(who, method, path, body string) (status int, answer string) {
	if method == web.AnyMethod {
		method = "PUT"
	}
	req := httptest.NewRequest(method, path, strings.NewReader(body))
	req.Header.Set("Content-Type", "application/json")
	if who != "" {
		req.SetBasicAuth(who, "pass")
	}
	rec := httptest.NewRecorder()
	g.handler.ServeHTTP(rec, req)
	text, _ := io.ReadAll(rec.Result().Body)
	return rec.Code, string(text)
}

// people are the users of a gate, with the least and the most that they may do.
var people = []struct {
	name    string
	allowed []web.Privilege
}{
	{"", []web.Privilege{web.Public}},
	{"stranger", []web.Privilege{web.Public, web.User}},
	{"reader", []web.Privilege{web.Public, web.User, web.Reader}},
	{"postman", []web.Privilege{web.Public, web.User, web.Deliverer}},
	{"member", []web.Privilege{web.Public, web.User, web.Reader, web.Deliverer, web.Writer}},
	{"meter", []web.Privilege{web.Public, web.User, web.Metrics}},
	{"boss", []web.Privilege{web.Public, web.User, web.Reader, web.Deliverer, web.Writer, web.DatabaseAdmin, web.Maintainer}},
	{"admin", []web.Privilege{web.Public, web.User, web.Reader, web.Deliverer, web.Writer, web.DatabaseAdmin, web.Maintainer, web.ServerAdmin, web.Metrics}},
}

var placeholders = strings.NewReplacer(":db", "db", ":doc", "doc", ":node", "_local", ":section", "section", ":key", "key",
	":design", "d", ":id", "1", ":name", "x", "*", "rest")

func TestPrivilegesOfEveryRoute(t *testing.T) {
	g := newGate(t)
	tried := 0
	for _, route := range server.Routes(g.options) {
		path := placeholders.Replace(route.Path)
		for _, person := range people {
			g.prepare()
			status, body := g.send(person.name, route.Method, path, "{}")
			allowed := false
			for _, p := range person.allowed {
				allowed = allowed || p == route.Privilege
			}
			if refused := status == 401 || status == 403; refused == allowed {
				t.Errorf("%s %s by %q: %d %s", route.Method, path, person.name, status, body)
			}
			tried++
		}
	}
	t.Logf("%d requests", tried)
}

// What is asked for paths at which a wrong answer would cost most, or that look like
// something else than they are.
func TestPrivilegesAreMeant(t *testing.T) {
	want := map[string]web.Privilege{
		"GET /_all_dbs": web.ServerAdmin, "GET /_active_tasks": web.ServerAdmin, "PUT /:db": web.ServerAdmin, "DELETE /:db": web.ServerAdmin,
		"POST /:db/_purge": web.ServerAdmin, "GET /_node/:node/_config": web.ServerAdmin, "PUT /:db/_quota": web.ServerAdmin,
		"GET /_scheduler/jobs": web.ServerAdmin, "POST /_replicate": web.User,
		"PUT /:db/_security": web.DatabaseAdmin, "PUT /:db/_revs_limit": web.DatabaseAdmin, "PUT /:db/_metadata_options": web.DatabaseAdmin,
		"POST /:db/_compact": web.Maintainer, "POST /:db/_view_cleanup": web.Maintainer,
		"POST /:db/_bulk_docs": web.Writer, "PUT /:db/:doc": web.Writer, "POST /:db/_index": web.Writer, "POST /:db/_uploads": web.Writer,
		"POST /:db/_bulk_get": web.Reader, "POST /:db/_revs_diff": web.Reader, "POST /:db/_all_docs": web.Reader, "POST /:db/_find": web.Reader,
		"POST /:db/_changes": web.Reader, "POST /:db/_ensure_full_commit": web.Reader, "PUT /:db/_local/:name": web.Reader,
		"GET /:db/_quota": web.Reader, "POST /:db/_design/:design/_view/:view": web.Reader,
		"PUT /:db/_delivery/:id": web.Deliverer,
	}
	for _, route := range server.Routes(newGate(t).options) {
		name := route.Method + " " + route.Path
		if p, ok := want[name]; ok && p != route.Privilege {
			t.Errorf("%s: %v, want %v", name, route.Privilege, p)
		}
		delete(want, name)
	}
	for name := range want {
		t.Errorf("there is no %s", name)
	}
}

func TestReadersReplicate(t *testing.T) {
	g := newGate(t)
	g.prepare()
	for _, tt := range []struct {
		who, do, body string
		status        int
	}{
		{"member", "PUT /db/a", `{}`, 201},
		{"reader", "GET /db/_changes", ``, 200},
		{"reader", "POST /db/_bulk_get", `{"docs":[{"id":"a"}]}`, 200},
		{"reader", "PUT /db/_local/checkpoint", `{"by":"reader"}`, 201},
		{"reader", "GET /db/_local/checkpoint", ``, 200},
		{"reader", "POST /db/_ensure_full_commit", ``, 201},
		{"member", "GET /db/_local/checkpoint", ``, 404},
		{"reader", "PUT /db/b", `{}`, 403},
		{"reader", "POST /db/_bulk_docs", `{"docs":[{"_id":"b"}]}`, 403},
		{"reader", "PUT /db/_security", `{}`, 403},
		{"", "GET /db/_changes", ``, 401},
		{"boss", "PUT /db/_security", `{"readers_only":[]}`, 400},
		{"reader", "GET /db/a", ``, 200},
		{"boss", "PUT /db/_security", `{}`, 200},
		{"", "PUT /db/c", `{}`, 201},
		{"", "PUT /db/_design/c", `{}`, 401},
	} {
		method, path, _ := strings.Cut(tt.do, " ")
		if status, body := g.send(tt.who, method, path, tt.body); status != tt.status {
			t.Errorf("%s by %q: %d %s", tt.do, tt.who, status, body)
		}
	}
}

func TestAccountsAreClosed(t *testing.T) {
	g := newGate(t)
	for _, path := range []string{
		"/_users", "/_users/org.couchdb.user:boss", "/_users/org.couchdb.user:boss?rev=1-a", "/_users/_all_docs?include_docs=true", "/_users/_changes?include_docs=true",
		"/_users/_design_docs", "/_users/_local_docs", "/_users/_design/_auth", "/_users/_security", "/_users/org.couchdb.user%3Aboss", "//_users/org.couchdb.user:boss",
		"/db/../_users/org.couchdb.user:boss", "/db/%2e%2e/_users/org.couchdb.user:boss", "/%5fusers/org.couchdb.user:boss", "/_users%2Forg.couchdb.user:boss",
		"/%255fusers/org.couchdb.user:boss", "/_replicator/_all_docs", "/_replicator/_changes",
	} {
		for _, who := range []string{"", "boss"} {
			if status, body := g.send(who, "GET", path, ""); status < 400 || strings.Contains(body, "derived_key") {
				t.Errorf("%s by %q: %d %s", path, who, status, body)
			}
		}
	}
}

// Who delivers is let in nowhere else, also where nobody is a member by name.
func TestDeliverersGainNothingElse(t *testing.T) {
	g := newGate(t)
	g.prepare()
	for _, security := range []string{
		`{"deliverers":{"names":["postman"]}}`,
		`{"deliverers":{"names":["postman"]},"members":{"names":[],"roles":[]},"admins":{"names":[],"roles":[]}}`,
		`{"deliverers":{"names":["postman"]},"members":{"names":["member"]}}`,
	} {
		if status, body := g.send("admin", "PUT", "/db/_security", security); status != 200 {
			t.Fatalf("%s: %d %s", security, status, body)
		}
		for _, route := range server.Routes(g.options) {
			path := placeholders.Replace(route.Path)
			if !strings.HasPrefix(path, "/db") || route.Privilege == web.Deliverer || route.Privilege == web.Public {
				continue
			}
			status, body := g.send("postman", route.Method, path, "{}")
			isServers := route.Privilege == web.ServerAdmin || route.Privilege == web.Maintainer // refused by a 401 always
			if status != 403 && !(status == 401 && isServers) {
				t.Errorf("%s: %s %s: %d %s", security, route.Method, path, status, body)
			}
			if status, body := g.send("", route.Method, path, "{}"); status != 401 {
				t.Errorf("%s: %s %s by anonymous: %d %s", security, route.Method, path, status, body)
			}
		}
	}
}

func TestSecurityOfDeliveries(t *testing.T) {
	g := newGate(t)
	g.prepare()
	_, before := g.send("admin", "GET", "/db/_security", "")
	for _, bad := range []string{
		`{"deliverers":[]}`, `{"deliverers":null}`, `{"deliverers":{"names":"postman"}}`, `{"deliverers":{"roles":[5]}}`,
		`{"recipients":{}}`, `{"recipients":null}`, `{"recipients":["age1"]}`, `{"recipients":[1]}`,
	} {
		if status, body := g.send("admin", "PUT", "/db/_security", bad); status != 400 {
			t.Errorf("%s: %d %s", bad, status, body)
		}
	}
	if _, after := g.send("admin", "GET", "/db/_security", ""); after != before {
		t.Errorf("it has become %s", after)
	}
}
