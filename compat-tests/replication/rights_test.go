package replication_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"settle/compat-tests/settletest"
)

// as sends a request as one of the users, and returns status and answer.
func (p *peer) as(user, method, path string, body any) (int, string) {
	p.t.Helper()
	status, answer := p.send(user, "secret", method, path, body)
	return status, string(answer)
}

func (p *peer) user(name string) {
	p.t.Helper()
	p.must("PUT", "/_users/org.couchdb.user:"+name, object{"name": name, "password": "secret", "roles": []string{}, "type": "user"}, nil)
}

// Names of local databases stand for what the user may do with them.
func TestLocalNamesHaveTheUsersRights(t *testing.T) {
	p := start(t)
	p.user("ann")
	for _, db := range []string{"hers", "closed", "secret"} {
		p.must("PUT", "/"+db, nil, nil)
		p.must("PUT", "/"+db+"/doc-"+db, object{}, nil)
	}
	members := object{"members": object{"names": []string{"ann"}}, "admins": object{}}
	p.must("PUT", "/hers/_security", members, nil)
	for _, tt := range []struct {
		source, target string
		status         int
	}{
		{"secret", "hers", 403}, {"hers", "closed", 403}, {"_users", "hers", 403}, {"_replicator", "hers", 403}, {"hers", "_users", 403}, {"hers", "hers", 200},
	} {
		status, said := p.as("ann", "POST", "/_replicate", object{"source": tt.source, "target": tt.target})
		if (status == 200) != (tt.status == 200) {
			t.Errorf("%s to %s: %d %s", tt.source, tt.target, status, said)
		}
	}
	if status, said := p.as("ann", "POST", "/_replicate", object{"source": "hers", "target": "new", "create_target": true}); status < 400 {
		t.Errorf("a user has made a database: %d %s", status, said)
	}
	if status := p.ask("GET", "/hers/doc-secret", nil, nil); status != 404 {
		t.Error("a user has got a document that is not hers")
	}
}

// Users cannot let the server ask machines of its own network.
func TestUsersReachNoPrivateAddresses(t *testing.T) {
	p, inside := start(t), start(t)
	p.user("ann")
	inside.must("PUT", "/x", nil, nil)
	p.must("PUT", "/hers", nil, nil)
	p.must("PUT", "/hers/_security", object{"members": object{"names": []string{"ann"}}, "admins": object{}}, nil)
	task := object{"source": endpoint(inside.URL(), "x"), "target": "hers"}
	if status, said := p.as("ann", "POST", "/_replicate", task); status != 403 {
		t.Errorf("%d %s", status, said)
	}
	p.must("PUT", "/_node/_local/_config/replicator/allow", "public, 127.0.0.1", nil)
	if status, said := p.as("ann", "POST", "/_replicate", task); status != 200 {
		t.Errorf("once it is allowed: %d %s", status, said)
	}
}

// What a replication logs in with is shown to its owner and to administrators only, by
// whatever way one reads.
func TestCredentialsOfDocuments(t *testing.T) {
	p := start(t)
	p.user("ann")
	p.user("bob")
	p.must("PUT", "/foo%2F_replicator", nil, nil)
	for _, db := range []string{"/_replicator", "/foo%2F_replicator"} {
		testCredentials(t, p, db)
	}
	var jobs, docs, tasks json.RawMessage
	p.must("GET", "/_scheduler/jobs", nil, &jobs)
	p.must("GET", "/_scheduler/docs", nil, &docs)
	p.must("GET", "/_active_tasks", nil, &tasks)
	for _, said := range []string{string(jobs), string(docs), string(tasks), p.Output()} {
		if strings.Contains(said, password) {
			t.Errorf("a password is shown: %s", said)
		}
	}
}

const password = "s3cretpassword"

func testCredentials(t *testing.T, p *peer, db string) {
	t.Helper()
	p.must("PUT", db+"/_security", object{"members": object{"names": []string{"ann", "bob"}}, "admins": object{"names": []string{"bob"}}}, nil)
	doc := object{
		"source": "http://someone:" + password + "@192.0.2.1/x",
		"target": object{"url": "http://192.0.2.1/y", "headers": object{"X-Key": password}, "auth": object{"basic": object{"username": "u", "password": password}}},
		"proxy":  "http://u:" + password + "@192.0.2.1:3128", "continuous": true,
	}
	if status, said := p.as("ann", "PUT", db+"/r", doc); status != 201 {
		t.Fatalf("%d %s", status, said)
	}
	if _, said := p.as("ann", "GET", db+"/r", nil); strings.Count(said, password) != 4 {
		t.Errorf("the owner sees %s", said)
	}
	for _, read := range []struct {
		method, path string
		body         any
	}{
		{"GET", db + "/r", nil}, {"GET", db + "/r?open_revs=all", nil}, {"GET", db + "/_all_docs?include_docs=true", nil},
		{"POST", db + "/_all_docs?include_docs=true", object{"keys": []string{"r"}}}, {"GET", db + "/_changes?include_docs=true", nil},
		{"POST", db + "/_bulk_get", object{"docs": []object{{"id": "r"}}}}, {"POST", db + "/_find", object{"selector": object{}}},
		{"GET", "/_metadata" + db + "/r", nil}, {"GET", "/_metadata" + db + "/_changes?include_docs=true", nil},
	} {
		status, said := p.as("bob", read.method, read.path, read.body)
		if status >= 400 && db != "/_replicator" && !strings.HasPrefix(read.path, "/_metadata") {
			t.Errorf("%s: %d %s", read.path, status, said)
		}
		if strings.Contains(said, password) || strings.Contains(said, "someone") {
			t.Errorf("%s shows %s", read.path, said)
		}
	}
	for _, write := range []struct {
		method, path string
		body         any
	}{
		{"PUT", db + "/_design/d", object{"views": object{"v": object{"map": "function(d){emit(d)}"}}}},
		{"PUT", db + "/r", doc}, {"POST", db + "/_bulk_docs", object{"new_edits": false, "docs": []object{{"_id": "r", "_rev": "9-a", "source": "http://a/b", "target": "http://c/d"}}}},
	} {
		status, said := p.as("bob", write.method, write.path, write.body)
		if status < 400 && !strings.Contains(said, "forbidden") {
			t.Errorf("%s %s: %d %s", write.method, write.path, status, said)
		}
	}
}

// A name that a user puts into a document counts for nothing: it has the user's rights.
func TestDocumentsHaveTheirWritersRights(t *testing.T) {
	p, inside := start(t), start(t)
	p.user("ann")
	inside.must("PUT", "/x", nil, nil)
	inside.must("PUT", "/x/doc", object{}, nil)
	p.must("PUT", "/hers", nil, nil)
	p.must("PUT", "/_replicator/_security", object{"members": object{"names": []string{"ann"}}, "admins": object{}}, nil)
	doc := object{
		"source": endpoint(inside.URL(), "x"), "target": endpoint(p.URL(), "hers"),
		"owner": settletest.AdminName, "user_ctx": object{"name": settletest.AdminName, "roles": []string{"_admin"}},
	}
	if status, said := p.as("ann", "PUT", "/_replicator/r", doc); status != 201 {
		t.Fatalf("%d %s", status, said)
	}
	var stored object
	p.must("GET", "/_replicator/r", nil, &stored)
	if diff := cmp.Diff(object{"name": "ann", "roles": []any{}}, stored["user_ctx"]); diff != "" {
		t.Error(diff)
	}
	eventually(t, "the replication is refused", func() bool {
		var row struct {
			State string
			Info  json.RawMessage
		}
		return p.ask("GET", "/_scheduler/docs/_replicator/r", nil, &row) == 200 && strings.Contains(string(row.Info), "not allowed here")
	})
	if status := p.ask("GET", "/hers/doc", nil, nil); status != 404 {
		t.Error("the replication has run")
	}
}
