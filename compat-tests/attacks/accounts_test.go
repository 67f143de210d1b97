package attacks_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

const accounts = "/_users/org.couchdb.user:"

// openSignUp lets everybody make an account, and read and change the own one. It
// returns once that is so.
func (f *fort) openSignUp() {
	f.t.Helper()
	f.configure("couchdb/users_db_security_editable", "true")
	f.must("PUT", "/_users/_security", `{"admins":{"roles":["_admin"]},"members":{}}`)
	for _, a := range []attempt{
		ask{"PUT", accounts + "guest", `{"name":"guest","password":"x","roles":[],"type":"user"}`}.as(anonymous),
		ask{"GET", accounts + "eve", ""}.as(eve),
	} {
		if answer := f.ask(a.text); answer.status/100 != 2 {
			f.t.Fatalf("%s: %d %s", a.name, answer.status, answer.body)
		}
	}
}

// TestRolesInAccounts has documents by which somebody who is no administrator
// would get a role, or somebody else's account.
func TestRolesInAccounts(t *testing.T) {
	t.Parallel()
	f := newFort(t)
	f.openSignUp()
	own := f.must("GET", accounts+"eve", "")
	bobs := f.must("GET", accounts+"bob", "")
	// document returns one for eve, or for a new account, with some members changed.
	document := func(p person, changed string) string {
		rev := ""
		if p == eve {
			rev = fmt.Sprintf(`"_rev":"%s",`, own["_rev"])
		}
		return fmt.Sprintf(`{%s"name":"%s","password":"x","type":"user",%s}`, rev, strings.Replace(p.String(), "anonymous", "new", 1), changed)
	}
	for _, p := range []person{anonymous, eve} {
		path := accounts + strings.Replace(p.String(), "anonymous", "new", 1)
		for _, changed := range []string{
			`"roles":["_admin"]`, `"roles":["keeper"]`, `"roles":["guest","keeper"]`, `"roles":["\u005fadmin"]`, `"roles":["_admin"],"roles":["keeper"]`,
			`"roles":[],"roles":["_admin"]`, `"roles":[],"\u0072oles":["keeper"]`, `"roles":"_admin"`, `"roles":{"0":"_admin"}`, `"roles":[["_admin"]]`, `"roles":[null]`, `"roles":null`,
			`"x":1`, `"roles":["guest","guest","keeper"]`, `"roles":[],"type":"admin"`, `"roles":[],"name":"admin"`, `"roles":[],"name":["eve"]`,
		} {
			body := document(p, changed)
			var refused, harmless []attempt // of a batch each document is refused alone
			for _, a := range []ask{
				{"PUT", path, body},
				{"POST", "/_users", strings.Replace(body, "{", `{"_id":"`+strings.TrimPrefix(path, "/_users/")+`",`, 1)},
				{"PUT", "/_metadata" + path, body},
			} {
				refused = append(refused, a.as(p))
			}
			id := strings.TrimPrefix(path, "/_users/")
			for _, edits := range []string{"true", "false"} {
				bulk := fmt.Sprintf(`{"new_edits":%s,"docs":[%s]}`, edits, strings.Replace(body, "{", `{"_id":"`+id+`",`, 1))
				harmless = append(harmless, ask{"POST", "/_users/_bulk_docs", bulk}.as(p), ask{"POST", "/_metadata/_users/_bulk_docs", bulk}.as(p))
			}
			f.harmless(harmless...)
			f.refused(append(refused, ask{"PUT", path + "?new_edits=false", strings.Replace(body, "{", `{"_revisions":{"start":9,"ids":["a"]},`, 1)}.as(p))...)
		}
	}
	rev := url.QueryEscape(fmt.Sprint(bobs["_rev"]))
	for _, p := range []person{anonymous, eve} {
		f.refused(
			ask{"PUT", accounts + "bob", `{"name":"bob","password":"x","roles":[],"type":"user"}`}.as(p),
			ask{"PUT", accounts + "bob?rev=" + rev, `{"name":"bob","password":"x","roles":["guest"],"type":"user"}`}.as(p),
			ask{"PUT", accounts + "bob", fmt.Sprintf(`{"_rev":"%s","name":"bob","password":"x","roles":["guest"],"type":"user"}`, bobs["_rev"])}.as(p),
			ask{"PUT", accounts + "bob", fmt.Sprintf(`{"_rev":"%s","_deleted":true}`, bobs["_rev"])}.as(p),
			ask{"DELETE", accounts + "bob?rev=" + rev, ""}.as(p),
			ask{"PUT", accounts + "bob/a.txt?rev=" + rev, "x"}.as(p),
			ask{"COPY", accounts + "eve", ""}.as(p, "Destination: org.couchdb.user:bob?rev="+rev),
			ask{"COPY", accounts + "eve", ""}.as(p, "Destination: org.couchdb.user:new"),
			ask{"POST", "/_users/_purge", fmt.Sprintf(`{"org.couchdb.user:bob":["%s"]}`, bobs["_rev"])}.as(p),
			ask{"PUT", "/_users/org.couchdb.user%3abob", `{"name":"bob","password":"x","roles":[],"type":"user"}`}.as(p),
			ask{"PUT", "/_users/org.couchdb.user:", `{"name":"","password":"x","roles":[],"type":"user"}`}.as(p),
			ask{"PUT", "/_users/bob", `{"name":"bob","password":"x","roles":[],"type":"user"}`}.as(p),
			ask{"PUT", accounts + "_new", `{"name":"_new","password":"x","roles":[],"type":"user"}`}.as(p),
			ask{"PUT", accounts + "a:b", `{"name":"a:b","password":"x","roles":[],"type":"user"}`}.as(p),
		)
	}
	for _, p := range []person{anonymous, eve} { // revisions of one's own choice, beside and on top of those that there are
		for _, path := range []string{`"start":1,"ids":["a"]`, fmt.Sprintf(`"start":2,"ids":["a","%s"]`, strings.TrimPrefix(fmt.Sprint(bobs["_rev"]), "1-"))} {
			doc := `{"_id":"org.couchdb.user:bob","_rev":"` + path[8:9] + `-a","_revisions":{` + path + `},"name":"bob","password":"x","roles":["guest"],"type":"user"}`
			f.refused(ask{"PUT", accounts + "bob?new_edits=false", doc}.as(p))
			f.harmless(
				ask{"POST", "/_users/_bulk_docs", `{"new_edits":false,"docs":[` + doc + `]}`}.as(p),
				ask{"POST", "/_metadata/_users/_bulk_docs", `{"new_edits":false,"docs":[` + doc + `]}`}.as(p),
			)
		}
	}
	f.refused(ask{"PUT", accounts + "eve", fmt.Sprintf(`{"_id":"org.couchdb.user:bob","_rev":"%s","name":"bob","password":"x","roles":["guest"],"type":"user"}`, bobs["_rev"])}.as(eve))
}

// TestBatchesOfRefusedAccounts wants an answer to batches of which nothing may be
// written, in a database whose security object has been set.
func TestBatchesOfRefusedAccounts(t *testing.T) {
	t.Parallel()
	f := newFort(t)
	f.configure("couchdb/users_db_security_editable", "true")
	f.must("PUT", "/_users/_security", `{}`)
	const (
		forged = `{"new_edits":false,"docs":[{"_id":"org.couchdb.user:ann","_rev":"5-a","name":"ann","type":"user","roles":[],"password":"x"}]}`
		exists = `{"docs":[{"_id":"org.couchdb.user:eve","_rev":"1-a","name":"eve","type":"user","roles":[],"password":"x"}]}`
	)
	own := fmt.Sprintf(`{"docs":[{"_id":"org.couchdb.user:eve","_rev":"%s","name":"eve","type":"user","roles":["keeper"],"password":"x"}]}`, f.must("GET", accounts+"eve", "")["_rev"])
	kindLast := func(body string) string { return strings.TrimSuffix(body, "}") + `,"new_edits":true}` }
	for _, path := range []string{"/_users/_bulk_docs", "/_metadata/_users/_bulk_docs"} {
		f.harmless(
			ask{"POST", path, forged}.as(anonymous),
			ask{"POST", path, forged}.as(eve),
			ask{"POST", path, own}.as(eve),
			ask{"POST", path, kindLast(own)}.as(eve),
			ask{"POST", path, exists}.as(eve),
			ask{"POST", path, exists}.as(f.admin),
			ask{"POST", path, kindLast(exists)}.as(f.admin),
		)
	}
	f.refusedDocument(ask{"POST", "/_users/_bulk_docs", exists}.as(f.admin), "conflict")
	f.refusedDocument(ask{"POST", "/_users/_bulk_docs", forged}.as(anonymous), "forbidden")
	f.refusedDocument(ask{"POST", "/_users/_bulk_docs", own}.as(eve), "forbidden")
}

// refusedDocument makes a batch of one document, and wants the answer to say that the
// document is refused.
func (f *fort) refusedDocument(try attempt, want string) {
	f.t.Helper()
	var rows []struct{ Error string }
	a := f.ask(try.text)
	if err := json.Unmarshal(a.body, &rows); err != nil || len(rows) != 1 || rows[0].Error != want {
		f.t.Errorf("%s: %d %s, want one %s", try.name, a.status, shorten(a.body), want)
	}
}

// TestAccountsOfAdministrators signs up under the administrator's name, which
// everybody may, and wants nothing to come of it.
func TestAccountsOfAdministrators(t *testing.T) {
	t.Parallel()
	f := newFort(t)
	f.openSignUp()
	if a := f.ask(ask{"PUT", accounts + "admin", `{"name":"admin","password":"mine","roles":[],"type":"user"}`}.as(anonymous).text); a.status != http.StatusCreated {
		t.Fatalf("signing up: %d %s", a.status, a.body)
	}
	mine := person{"admin", "mine"}
	f.refused(f.with("by the account's password", mine.headers()...)...)
	f.refused(ask{"POST", "/_session", `{"name":"admin","password":"mine"}`}.as(anonymous))
	f.must("GET", "/_all_dbs", "")
}

// TestKeepersOfAccounts wants administrators of the accounts' database, who may
// write every account, not to become administrators of the server.
func TestKeepersOfAccounts(t *testing.T) {
	t.Parallel()
	f := newFort(t)
	f.configure("couchdb/users_db_security_editable", "true")
	f.must("PUT", "/_users/_security", `{"admins":{"names":["boss"]},"members":{"names":["boss"]}}`)
	own := f.must("GET", accounts+"boss", "")
	for _, roles := range []string{`["_admin"]`, `["guest","_admin"]`, `["\u005fadmin"]`, `["_anything"]`} {
		body := fmt.Sprintf(`{"_rev":"%s","name":"boss","password":"%s","roles":%s,"type":"user"}`, own["_rev"], boss.password, roles)
		f.refused(
			ask{"PUT", accounts + "boss", body}.as(boss),
			ask{"PUT", accounts + "boss?new_edits=false", body}.as(boss),
			ask{"PUT", "/_metadata" + accounts + "boss", body}.as(boss),
			ask{"GET", "/_all_dbs", ""}.as(boss),
		)
	}
}

// TestAccountsAreNotShown reads others' documents by every request that shows
// documents.
func TestAccountsAreNotShown(t *testing.T) {
	t.Parallel()
	f := newFort(t)
	f.openSignUp()
	rev := fmt.Sprint(f.must("GET", accounts+"bob", "")["_rev"])
	const id = "org.couchdb.user:bob"
	asks := []ask{
		{"GET", accounts + "bob", ""},
		{"GET", accounts + "bob?rev=" + rev, ""},
		{"GET", accounts + "bob?open_revs=all", ""},
		{"GET", accounts + `bob?open_revs=["` + rev + `"]`, ""},
		{"GET", accounts + "bob?revs_info=true&conflicts=true&latest=true", ""},
		{"POST", "/_users/_bulk_get?revs=true", `{"docs":[{"id":"` + id + `"},{"id":"` + id + `","rev":"` + rev + `"}]}`},
		{"POST", "/_users/_all_docs?include_docs=true", `{"keys":["` + id + `"]}`},
		{"POST", "/_users/_all_docs/queries", `{"queries":[{"include_docs":true}]}`},
		{"POST", "/_users/_changes?include_docs=true&filter=_doc_ids", `{"doc_ids":["` + id + `"]}`},
		{"GET", "/_users/_changes?include_docs=true&feed=continuous&timeout=1", ""},
		{"GET", "/_users/_changes?include_docs=true&feed=eventsource&timeout=1", ""},
		{"POST", "/_users/_find", `{"selector":{"name":"bob"}}`},
		{"GET", "/_users/_partition/org.couchdb.user/_all_docs?include_docs=true", ""},
		{"COPY", accounts + "bob", ""},
	}
	for _, a := range asks {
		hidden := a.at("/_metadata" + a.path)
		f.harmless(a.as(eve, "Destination: org.couchdb.user:eve"), a.as(anonymous, "Destination: org.couchdb.user:new"), hidden.as(eve), hidden.as(anonymous))
	}
	var diff map[string]json.RawMessage
	a := f.ask(ask{"POST", "/_users/_revs_diff", `{"` + id + `":["` + rev + `","1-a"]}`}.as(eve).text)
	if err := json.Unmarshal(a.body, &diff); err == nil && a.status == 200 && !strings.Contains(string(diff[id]), rev) {
		t.Errorf("_revs_diff tells which revision there is: %s", a.body)
	}
}

// TestOpenSignUp wants the server to stay as closed where everybody may sign up.
func TestOpenSignUp(t *testing.T) {
	t.Parallel()
	f := newFort(t)
	f.openSignUp()
	for _, p := range []person{anonymous, eve, boss} {
		var refused, harmless []attempt
		for _, a := range ofServer {
			try := a.as(p, a.header()...)
			if a.path == "/_users/_find" || a.method+a.path == "GET/_users/_index" { // which find nothing
				harmless = append(harmless, try)
			} else {
				refused = append(refused, try)
			}
		}
		f.refused(refused...)
		f.harmless(harmless...)
	}
}
