package server_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"settle/server/config"
)

// ask sends a request, with the fields of header in pairs, and returns the answer.
func ask(t *testing.T, method, url, body string, header ...string) (int, http.Header, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Do(req)
	if err != nil {
		t.Fatalf("%s %s: %v", method, url, err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, url, err)
	}
	return answer.StatusCode, answer.Header, string(text)
}

// asAdmin is the header of the administrator of start.
var asAdmin = []string{"Authorization", "Basic YWRtaW46cGFzcw=="}

// withDesign starts a server with a database of everybody's, and a design document.
func withDesign(t *testing.T, design string) (r *running, url string) {
	t.Helper()
	r = start(t)
	for _, put := range [][2]string{{"/db", ""}, {"/db/_security", `{"admins":{"names":["nobody"]},"members":{}}`}, {"/db/_design/d", design}} {
		if status, _, text := ask(t, "PUT", r.url+put[0], put[1], asAdmin...); status >= 300 {
			t.Fatalf("%s: %d %s", put[0], status, text)
		}
	}
	return r, r.url + "/db/_design/d"
}

func set(t *testing.T, r *running, values map[config.ID]string) {
	t.Helper()
	for key, value := range values {
		if _, err := r.options.Config.Set(t.Context(), key, value, false); err != nil {
			t.Fatal(err)
		}
	}
}

const secretDesign = `{
	"shows": {
		"evil": "function(doc, req){ RegExp.prototype.exec = function(){ return null; }; return JSON.stringify(req); }",
		"all": "function(doc, req){ return JSON.stringify(req); }",
		"cookies": "function(doc, req){ return JSON.stringify(req.cookie); }"
	},
	"updates": {"all": "function(doc, req){ return [null, JSON.stringify(req)]; }"},
	"filters": {"all": "function(doc, req){ throw({forbidden: JSON.stringify(req)}); }"},
	"rewrites": "function(req){ return {code: 200, body: JSON.stringify(req)}; }"
}`

func TestFunctionsSeeNoCredentials(t *testing.T) {
	r, url := withDesign(t, secretDesign)
	set(t, r, map[config.ID]string{
		config.ProxyNameHeader: "X-Remote-User", config.ProxyRolesHeader: "X-Remote-Roles", config.ProxyTokenHeader: "X-Remote-Token",
	})
	header := append([]string{
		"Cookie", "AuthSession=; other=shown", "Proxy-Authorization", "SECRET", "X-Auth-CouchDB-UserName", "SECRET", "X-Auth-CouchDB-Token", "SECRET",
		"X-Remote-User", "SECRET", "X-Remote-Roles", "SECRET", "x-remote-token", "SECRET", "X-Other", "shown",
	}, asAdmin...)
	if _, _, text := ask(t, "POST", url+"/_update/all", "", header...); strings.Contains(text, "SECRET") || strings.Contains(text, "Basic") || !strings.Contains(text, "X-Other") {
		t.Errorf("update: %s", text)
	}
	if _, _, text := ask(t, "GET", r.url+"/db/_changes?filter=d/all", "", header...); strings.Contains(text, "SECRET") || strings.Contains(text, "Basic") {
		t.Errorf("filter: %s", text)
	}
	if _, _, text := ask(t, "GET", url+"/_show/cookies", "", header...); text != `{"other":"shown"}` {
		t.Errorf("cookies: %s", text)
	}
	for _, path := range []string{"_show/all", "_rewrite/x", "_show/evil", "_show/evil"} {
		status, _, text := ask(t, "GET", url+"/"+path, "", header...)
		if status != 200 || strings.Contains(text, "SECRET") || strings.Contains(text, "Basic") || strings.Contains(text, "AuthSession") || !strings.Contains(text, "X-Other") {
			t.Errorf("%s: %d %s", path, status, text)
		}
	}
}

const imposing = `{
	"shows": {"who": "function(doc, req){ return JSON.stringify(req.userCtx); }"},
	"rewrites": "function(req){ var h = {'X-Remote-User': 'admin', 'X-Remote-Roles': '_admin', 'Authorization': 'Basic YWRtaW46cGFzcw=='}; if (req.path[4] == 'delete') return {path: '../../_design/d', method: 'DELETE', query: {rev: req.query.rev}, headers: h}; return {path: '_show/who', headers: h}; }"
}`

func TestRewritesKeepTheSession(t *testing.T) {
	r, url := withDesign(t, imposing)
	set(t, r, map[config.ID]string{
		config.ProxyNameHeader: "X-Remote-User", config.ProxyRolesHeader: "X-Remote-Roles",
		config.AuthHandlers: "{chttpd_auth, proxy_authentication_handler}, {chttpd_auth, default_authentication_handler}",
	})
	for user, want := range map[string]string{"": `"name":null`, "joe": `"name":"joe"`} {
		_, _, text := ask(t, "GET", url+"/_rewrite/who", "", "X-Remote-User", user)
		if !strings.Contains(text, want) || strings.Contains(text, "_admin") {
			t.Errorf("%q rewritten is %s", user, text)
		}
	}
	_, header, _ := ask(t, "GET", url, "", asAdmin...)
	rev := strings.Trim(header.Get("ETag"), `"`)
	for _, user := range []string{"", "joe"} {
		if status, _, text := ask(t, "GET", url+"/_rewrite/delete?rev="+rev, "", "X-Remote-User", user); status != 401 && status != 403 {
			t.Errorf("%q deletes a design document: %d %s", user, status, text)
		}
	}
	if status, _, text := ask(t, "GET", url+"/_rewrite/delete?rev="+rev, "", asAdmin...); status != 200 {
		t.Errorf("the administrator: %d %s", status, text)
	}
}

// A slash that is escaped is part of a name, in the path that is rewritten and in the one
// that a function gives; no escaped path leads out of the database.
func TestRewritesKeepEscapedSlashes(t *testing.T) {
	r, rules := withDesign(t, `{"rewrites": [
		{"from": "doc/:id", "to": "../../:id"}, {"from": "rest/*", "to": "../../*"}, {"from": "*", "to": "none"}
	]}`)
	const byFunction = `{"rewrites": "function (req) { return '../../' + req.query.to; }"}`
	if status, _, text := ask(t, "PUT", r.url+"/db/_design/f", byFunction, asAdmin...); status != 201 {
		t.Fatalf("%d %s", status, text)
	}
	for _, id := range []string{"p%2Fq", "p%25q", "p+q", "p%2Bq"} {
		if status, _, text := ask(t, "PUT", r.url+"/db/"+id, `{}`, asAdmin...); status != 201 {
			t.Fatalf("%s: %d %s", id, status, text)
		}
	}
	function := r.url + "/db/_design/f"
	for _, tt := range []struct {
		url    string
		status int
		want   string
	}{
		{rules + "/_rewrite/doc/p%2Fq", 200, `"_id":"p/q"`},
		{rules + "/_rewrite/rest/p%2Fq", 200, `"_id":"p/q"`},
		{rules + "/_rewrite/doc/p%25q", 200, `"_id":"p%q"`},
		{rules + "/_rewrite/doc/p+q", 200, `"_id":"p q"`},
		{rules + "/_rewrite/doc/p%2Bq", 200, `"_id":"p+q"`},
		{rules + "/_rewrite/doc/p/q", 404, "not_found"},
		{rules + "/_rewrite/rest/%2e%2e/%2e%2e/_users", 400, "insecure_rewrite_rule"},
		{rules + "/_rewrite/rest/%2e%2e%2f%2e%2e%2f_users", 404, "not_found"},
		{function + "/_rewrite?to=p%252Fq", 200, `"_id":"p/q"`},
		{function + "/_rewrite?to=p%2Fq", 404, "not_found"},
		{function + "/_rewrite?to=p%2525q", 200, `"_id":"p%q"`},
		{function + "/_rewrite?to=%252e%252e%2F_users", 400, "insecure_rewrite_rule"},
	} {
		if status, _, text := ask(t, "GET", tt.url, "", asAdmin...); status != tt.status || !strings.Contains(text, tt.want) {
			t.Errorf("%s: %d %s, want %d %s", tt.url, status, text, tt.status, tt.want)
		}
	}
}

// Below a partition requests are rewritten too, to places outside, with the partition in
// the query.
func TestRewritesInPartition(t *testing.T) {
	r := start(t)
	const shows = `"shows": {"s": "function(doc, req){ return JSON.stringify([req.path.join('/'), req.query]); }"}`
	const see = `return JSON.stringify([req.path.join('/'), req.requested_path.join('/'), req.query]);`
	for _, put := range [][2]string{
		{"/db?partitioned=true", ""}, {"/plain", ""}, {"/db/p:a", "{}"}, {"/db/q:b", "{}"},
		{"/db/_design/r", `{` + shows + `, "rewrites": [{"from": "show", "to": "_show/s", "query": {"x": ":partition"}}, {"from": "all", "to": "../../_all_docs"}]}`},
		{"/db/_design/f", `{` + shows + `, "rewrites": "function(req){ if (req.path[4] == 'see') return {code: 200, body: (function(){ ` + see + ` })()}; if (req.path[4] == 'self') return {path: ''}; if (req.path[4] == 'own') return {path: '_show/s', query: {x: '1'}}; return '_show/s'; }"}`},
		{"/plain/_design/r", `{"rewrites": [{"to": "_show/s"}]}`},
	} {
		if status, _, text := ask(t, "PUT", r.url+put[0], strings.ReplaceAll(put[1], "\n", ""), asAdmin...); status != 201 {
			t.Fatalf("%s: %d %s", put[0], status, text)
		}
	}
	for _, tt := range []struct {
		method, path string
		status       int
		want         string
	}{
		{"GET", "/db/_partition/p/_design/r/_rewrite/show?y=2", 200, `["db/_design/r/_show/s",{"partition":"p","x":"p","y":"2"}]`},
		{"COPY", "/db/_partition/p/_design/r/_rewrite/show", 200, `["db/_design/r/_show/s",{"partition":"p","x":"p"}]`},
		{"GET", "/db/_partition/p/_design/r/_rewrite/all", 200, `{"id":"p:a"`},
		{"GET", "/db/_partition/p/_design/r/_rewrite", 404, `{"error":"not_found","reason":"missing"}`},
		{"GET", "/db/_partition/p/_design/f/_rewrite/see?y=2", 200, `["db/_design/f/_rewrite/see","db/_partition/p/_design/f/_rewrite/see?y=2",{"y":"2"}]`},
		{"GET", "/db/_partition/p/_design/f/_rewrite/show?y=2", 200, `["db/_design/f/_show/s",{"partition":"p","y":"2"}]`},
		{"GET", "/db/_partition/p/_design/f/_rewrite/own?y=2", 200, `["db/_design/f/_show/s",{"x":"1"}]`},
		{"GET", "/db/_design/f/_rewrite/self", 200, `{"_id":"_design/f"`},
		{"GET", "/db/_partition/p/_design/r/_rewrite/show?partition=q", 400, "Conflicting value"},
		{"GET", "/db/_partition/_p/_design/r/_rewrite/show", 400, "illegal_partition"},
		{"GET", "/db/_partition/p/_design/none/_rewrite/show", 404, "missing"},
		{"GET", "/plain/_partition/p/_design/r/_rewrite/show", 400, "database is not partitioned"},
	} {
		status, _, text := ask(t, tt.method, r.url+tt.path, "", asAdmin...)
		if status != tt.status || !strings.Contains(text, tt.want) || strings.Contains(text, "q:b") {
			t.Errorf("%s %s: %d %s, want %d %s", tt.method, tt.path, status, text, tt.status, tt.want)
		}
	}
}
