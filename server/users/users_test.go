package users_test

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"settle/server/auth"
	"settle/server/users"
	"settle/storage/couch"
	"settle/storage/docjson"
)

// account is a document of a user, with more members.
func account(name, more string) string {
	if more != "" {
		more = "," + more
	}
	return fmt.Sprintf(`{"_id":"org.couchdb.user:%s","name":"%s","type":"user","roles":[]%s}`, name, name, more)
}

// login says what becomes of a log-in.
func (b *bench) login(pair string) string {
	b.t.Helper()
	req := httptest.NewRequest("GET", "/", nil)
	name, password, _ := strings.Cut(pair, ":")
	req.SetBasicAuth(name, password)
	s, err := b.auth.Authenticate(req)
	if err != nil {
		return err.Error()
	}
	return s.User.Name + " as " + strings.Join(s.User.Roles, ",")
}

const incorrect = "Name or password is incorrect."

func TestPasswordsAreHashed(t *testing.T) {
	b := newBench(t)
	rev := b.mustPut(account("ida", `"password":"secret","city":"Bonn","salt":"mine","password_sha":"x"`))
	text := get(b.as("admin"), "org.couchdb.user:ida")
	var doc map[string]any
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(text, `{"password_scheme":"pbkdf2","pbkdf2_prf":"sha256","salt":"`) || strings.Contains(text, "secret") ||
		len(doc["salt"].(string)) != 32 || len(doc["derived_key"].(string)) != 64 || doc["iterations"] != 10.0 ||
		doc["city"] != "Bonn" || doc["password_sha"] != nil || len(doc) != 9 {
		t.Errorf("stored as %s", text)
	}
	if got := b.login("ida:secret"); got != "ida as " {
		t.Error(got)
	}
	// The same document again, as clients edit one: the password stays.
	edited := strings.Replace(text, `"roles":[]`, `"roles":["team"],"_id":"org.couchdb.user:ida","_rev":"`+rev+`"`, 1)
	rev = b.mustPut(edited)
	for pair, want := range map[string]string{"ida:secret": "ida as team", "ida:wrong": incorrect} {
		if got := b.login(pair); got != want {
			t.Errorf("%s: %s", pair, got)
		}
	}
	b.mustPut(account("ida", `"password":"","_rev":"`+rev+`"`))
	if got := b.login("ida:"); got != "ida as " {
		t.Errorf("an empty password: %s", got)
	}
	if got := b.login("ida:secret"); got != incorrect {
		t.Errorf("the old password: %s", got)
	}
	for _, more := range []string{"", `"password":null`} {
		name := fmt.Sprintf("blank%d", len(more))
		b.mustPut(account(name, more))
		if got := b.login(name + ":"); got != incorrect {
			t.Errorf("no password: %s", got)
		}
	}
	for _, password := range []string{"5", "true", `["x"]`, `{"a":"b"}`} {
		_, err := b.put(b.as("admin"), account("odd", `"password":`+password))
		if !isKind(err, couch.Forbidden) || strings.Contains(err.Error(), password) {
			t.Errorf("password %s: %v", password, err)
		}
	}
}

func TestForgottenAtOnce(t *testing.T) {
	b := newBench(t)
	rev := b.mustPut(account("ida", `"password":"old"`))
	b.login("ida:old")
	rev = b.mustPut(account("ida", `"password":"new","_rev":"`+rev+`"`))
	if got := b.login("ida:old"); got != incorrect {
		t.Error(got)
	}
	if got := b.login("ida:new"); got != "ida as " {
		t.Error(got)
	}
	b.mustPut(`{"_id":"org.couchdb.user:ida","_deleted":true,"_rev":"` + rev + `"}`)
	if got := b.login("ida:new"); got != incorrect {
		t.Errorf("deleted: %s", got)
	}
}

func TestRoleInjection(t *testing.T) {
	b := newBench(t)
	b.mustPut(account("ida", `"password":"x","Roles":["_admin"],"ROLES":["boss"],"Name":"admin"`))
	if got := b.login("ida:x"); got != "ida as " {
		t.Errorf("by another case: %s", got)
	}
	// What another server holds is no reason to believe it.
	doc := b.document(`{"_id":"org.couchdb.user:eve","name":"eve","type":"user","roles":["_admin","team","_metrics"],"_rev":"1-a"}`)
	if results, err := b.db.PutRevs(t.Context(), one(doc)); err != nil || results[0].Err != nil {
		t.Fatal(err, results)
	}
	u, err := users.Source{Databases: b.store}.User(t.Context(), "eve")
	if err != nil || strings.Join(u.Roles, ",") != "team,_metrics" {
		t.Errorf("%+v %v", u, err)
	}
}

func TestConflicts(t *testing.T) {
	b := newBench(t)
	b.mustPut(account("ida", `"password":"x"`))
	doc := b.document(account("ida", `"password":"y","_rev":"1-a"`))
	if results, err := b.as("admin").PutRevs(t.Context(), one(doc)); err != nil || results[0].Err != nil {
		t.Fatal(err, results)
	}
	u, err := users.Source{Databases: b.store}.User(t.Context(), "ida")
	if err != nil || !u.Conflicted {
		t.Errorf("%+v %v", u, err)
	}
	revs, err := b.as("admin").OpenRevs(t.Context(), doc.ID, couch.OpenRevsOptions{All: true}, couch.GetOptions{})
	if err != nil || len(revs) != 2 {
		t.Fatal(revs, err)
	}
	for _, rev := range revs {
		if strings.Contains(string(rev.Doc.Body.Text), `"password":`) {
			t.Errorf("a replicated password is stored as it is")
		}
	}
}

func TestRenewal(t *testing.T) {
	b := newBench(t)
	rev := b.mustPut(account("old", `"password_scheme":"simple","salt":"abcdef","password_sha":"7e4b9f15c67da0f334a207e81b34e99830ace24f","city":"Bonn","_attachments":{"a":{"data":"aGVsbG8="}}`))
	u, err := users.Source{Databases: b.store}.User(t.Context(), "old")
	if err != nil || !u.Hash.Verify("secret") {
		t.Fatal(u, err)
	}
	hash, _ := b.auth.Hash(t.Context(), "secret")
	for range 2 { // the second time the revision has passed
		if err := (users.Source{Databases: b.store}).Rehash(t.Context(), u, hash); err != nil {
			t.Fatal(err)
		}
	}
	doc, err := b.db.Get(t.Context(), "org.couchdb.user:old", couch.GetOptions{Revs: true})
	if err != nil {
		t.Fatal(err)
	}
	text := string(doc.Body.Text)
	if len(doc.Attachments) != 1 || doc.Attachments[0].Length != 5 {
		t.Errorf("attachments %v", doc.Attachments)
	}
	if len(doc.Revisions.Hashes) != 2 || doc.Revisions.Rev(1).String() != rev || strings.Contains(text, "password_sha") || !strings.Contains(text, `"city":"Bonn"`) {
		t.Errorf("%v %s", doc.Revisions, text)
	}
	if err := (users.Source{Databases: b.store}).Rehash(t.Context(), &auth.User{Name: "nobody", Rev: u.Rev}, hash); err != nil {
		t.Errorf("nobody: %v", err)
	}
}

func TestReading(t *testing.T) {
	b := newBench(t)
	b.mustPut(account("ida", `"password":"x","city":"Bonn"`))
	rev := b.mustPut(account("gone", `"password":"x"`))
	b.mustPut(`{"_id":"org.couchdb.user:gone","_deleted":true,"_rev":"` + rev + `"}`)
	const design = "Only administrators can view design docs in the users database."
	for _, tt := range []struct{ by, id, want string }{
		{"eve", "org.couchdb.user:ida", "missing"}, {"", "org.couchdb.user:ida", "missing"},
		{"ida", "org.couchdb.user:eve", "missing"}, {"", "org.couchdb.user:", "missing"},
		{"eve", "org.couchdb.user:gone", "missing"}, {"gone", "org.couchdb.user:gone", "deleted"}, {"admin", "org.couchdb.user:gone", "deleted"},
		{"eve", "_design/_auth", design}, {"", "_design/nothing", design},
	} {
		if got := get(b.as(tt.by), tt.id); got != tt.want {
			t.Errorf("%q reads %s: %s", tt.by, tt.id, got)
		}
	}
	for _, by := range []string{"ida", "admin", "keeper"} {
		if got := get(b.as(by), "org.couchdb.user:ida"); !strings.Contains(got, "derived_key") {
			t.Errorf("%q reads %s", by, got)
		}
	}
	b.policy.PublicFields = []string{"name", "city"}
	for by, want := range map[string]string{"eve": `{"name":"ida","city":"Bonn"}`, "": `{"name":"ida","city":"Bonn"}`} {
		if got := get(b.as(by), "org.couchdb.user:ida"); got != want {
			t.Errorf("%q reads %s", by, got)
		}
		revs, err := b.as(by).OpenRevs(t.Context(), "org.couchdb.user:ida", couch.OpenRevsOptions{All: true}, couch.GetOptions{})
		if err != nil || len(revs) != 1 || string(revs[0].Doc.Body.Text) != want {
			t.Errorf("%q reads %v %v", by, revs, err)
		}
	}
	if got := get(b.as(""), "_design/_auth"); got != design {
		t.Error(got)
	}
	b.policy.PublicFields = []string{"nothing"}
	if got := get(b.as("eve"), "org.couchdb.user:ida"); got != "missing" {
		t.Error(got)
	}
}

func TestListing(t *testing.T) {
	b := newBench(t)
	b.mustPut(account("ida", `"password":"x"`))
	for by, want := range map[string]string{"ida": "You are not a server admin.", "": "You are not a server admin.", "admin": "2"} {
		db := b.as(by)
		for name, rows := range map[string]func() (int, error){
			"all docs": func() (int, error) {
				return count(db.AllDocs(t.Context(), couch.AllDocsOptions{Limit: -1, IncludeDocs: true}))
			},
			"by id": func() (int, error) {
				return count(db.AllDocsByID(t.Context(), []couch.DocID{"org.couchdb.user:ida", "_design/_auth"}, couch.AllDocsOptions{Limit: -1}))
			},
			"changes": func() (int, error) { return count(db.Changes(t.Context(), couch.ChangesOptions{IncludeDocs: true})) },
		} {
			n, err := rows()
			got := fmt.Sprint(n)
			if err != nil {
				got = err.Error()
			}
			if got != want {
				t.Errorf("%s by %q: %s", name, by, got)
			}
		}
	}
	diffs, err := b.as("eve").RevsDiff(t.Context(), []couch.RevsAsk{{ID: "org.couchdb.user:ida", Revs: []couch.RevID{{Gen: 5, Hash: "a"}}}})
	if err != nil || len(diffs) != 1 || len(diffs[0].PossibleAncestors) != 0 {
		t.Errorf("%v %v", diffs, err)
	}
}

func count[T any](rows func(func(T, error) bool)) (n int, err error) {
	for _, err := range rows {
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

func TestWriting(t *testing.T) {
	b := newBench(t)
	rev := b.mustPut(account("ida", `"password":"x"`))
	withRev := func(more string) string { return account("ida", `"_rev":"`+rev+`"`+more) }
	deletion := `{"_id":"org.couchdb.user:ida","_deleted":true,"_rev":"` + rev + `"}`
	for _, tt := range []struct{ by, text, want string }{
		{"", account("new1", `"password":"x"`), "ok"},
		{"new2", account("new2", ""), "ok"},
		{"eve", account("new3", ""), "missing"},
		{"eve", withRev(""), "missing"},
		{"eve", account("ida", ""), "missing"},
		{"eve", deletion, "missing"},
		{"eve", `{"_id":"_design/x"}`, "missing"},
		{"", `{"_id":"_design/x"}`, "You are not authorized to access this db."},
		{"", account("ida", ""), "Document update conflict."},
		{"", account("ida", `"_rev":"1-a"`), "Document update conflict."},
		{"", withRev(""), "You may only update your own user document."},
		{"", deletion, "Only admins may delete other user docs."},
		{"", `{"_id":"org.couchdb.user:nobody","_deleted":true}`, "Only admins may delete other user docs."},
		{"keeper", deletion, "Only admins may delete other user docs."},
		{"", strings.Replace(account("new4", ""), "[]", `["boss"]`, 1), "Only _admin may set roles"},
		{"ida", strings.Replace(withRev(""), "[]", `["boss"]`, 1), "Only _admin may edit roles"},
		{"admin", account("ida", ""), "Document update conflict."},
		{"admin", strings.Replace(account("new5", ""), "[]", `["_admin"]`, 1), "No system roles (starting with underscore) in users db."},
		{"admin", strings.Replace(account("new5", ""), "[]", `["_metrics"]`, 1), "ok"},
		{"keeper", strings.Replace(account("new6", ""), "[]", `["boss"]`, 1), "ok"},
		{"admin", `{"_id":"_design/x"}`, "ok"},
		{"admin", `{"_id":"other"}`, "doc.type must be user"},
		{"ida", withRev(`,"password":"y"`), "ok"},
	} {
		want := tt.want
		if tt.by == "" && strings.Contains(tt.text, "_design") {
			want = "You are not a db or server admin."
		}
		if _, err := b.put(b.as(tt.by), tt.text); reason(err) != want {
			t.Errorf("%q writes %s: %s, want %s", tt.by, tt.text, reason(err), want)
		}
	}
	if got := b.login("ida:y"); got != "ida as " {
		t.Errorf("after a change of the own password: %s", got)
	}
	u, _ := users.Source{Databases: b.store}.User(t.Context(), "ida")
	if _, err := b.put(b.as("ida"), `{"_id":"org.couchdb.user:ida","_deleted":true,"_rev":"`+u.Rev.String()+`"}`); err != nil {
		t.Errorf("deleting oneself: %v", err)
	}
	if _, err := b.put(b.as(""), account("ida", "")); err != nil {
		t.Errorf("the name is free again: %v", err)
	}
}

func TestReplicatedWrites(t *testing.T) {
	b := newBench(t)
	b.mustPut(account("ida", `"password":"x"`))
	for by, want := range map[string]string{
		"": "Only administrators may replicate into the users database.", "ida": "Only administrators may replicate into the users database.",
		"admin": "ok", "keeper": "ok",
	} {
		for _, text := range []string{account("ida", `"_rev":"9-a"`), account("new", `"_rev":"1-a"`)} {
			results, err := b.as(by).PutRevs(t.Context(), one(b.document(text)))
			if err != nil || reason(results[0].Err) != want {
				t.Errorf("%q: %v %v", by, results, err)
			}
		}
	}
	results, err := b.as("admin").PutRevs(t.Context(), one(b.document(`{"_id":"org.couchdb.user:x","_rev":"1-a","name":"x"}`)))
	if err != nil || reason(results[0].Err) != "doc.type must be user" {
		t.Errorf("%v %v", results, err)
	}
}

func TestBatches(t *testing.T) {
	b := newBench(t)
	texts := []string{account("a", ""), `{"_id":"bad"}`, account("b", ""), account("c", `"password":5`), account("d", `"password":"x"`)}
	results, err := b.as("admin").BulkDocs(t.Context(), func(yield func(*couch.Document, error) bool) {
		for _, text := range texts {
			if !yield(b.document(text), nil) {
				return
			}
		}
	})
	if err != nil || len(results) != len(texts) {
		t.Fatal(results, err)
	}
	for i, accepted := range []bool{true, false, true, false, true} {
		if (results[i].Err == nil) != accepted || results[i].ID != b.document(texts[i]).ID || accepted && results[i].Rev.IsZero() {
			t.Errorf("row %d: %+v", i, results[i])
		}
	}
}

func TestSecurity(t *testing.T) {
	b := newBench(t)
	text := []byte(`{"members":{"roles":[]}}`)
	if err := b.as("admin").SetSecurity(t.Context(), text); reason(err) != "You can't edit the security object of the user database." {
		t.Error(err)
	}
	b.policy.SecurityEditable = true
	if err := b.as("ida").SetSecurity(t.Context(), text); err == nil {
		t.Error("anybody may open it")
	}
	if err := b.as("admin").SetSecurity(t.Context(), text); err != nil {
		t.Error(err)
	}
}

func TestCreate(t *testing.T) {
	b := newBench(t)
	for range 2 {
		if err := users.Create(t.Context(), b.store); err != nil {
			t.Fatal(err)
		}
	}
	seq, err := b.db.UpdateSeq(t.Context())
	if err != nil || seq != 1 {
		t.Errorf("at %d: %v", seq, err)
	}
	if text, err := b.db.Security(t.Context()); text != nil || err != nil {
		t.Errorf("security %s %v", text, err)
	}
	if err := b.store.DropDatabase(t.Context(), users.DatabaseName); err != nil {
		t.Fatal(err)
	}
	if got := b.login("ida:x"); got != incorrect {
		t.Errorf("without the database: %s", got)
	}
	if got := b.login("admin:pass"); got != "admin as _admin" {
		t.Errorf("without the database: %s", got)
	}
}

func TestRules(t *testing.T) {
	b := newBench(t)
	doc := func(members string) string { return `{"_id":"org.couchdb.user:ida",` + members + `}` }
	for text, want := range map[string]string{
		doc(`"name":"ida","roles":[]`):                                                                             "doc.type must be user",
		doc(`"type":"admin","name":"ida","roles":[]`):                                                              "doc.type must be user",
		doc(`"type":"user","roles":[]`):                                                                            "doc.name is required",
		doc(`"type":"user","name":"","roles":[]`):                                                                  "doc.name is required",
		doc(`"type":"user","name":null,"roles":[]`):                                                                "doc.name is required",
		doc(`"type":"user","name":"ida"`):                                                                          "doc.roles must exist",
		doc(`"type":"user","name":"ida","roles":null`):                                                             "doc.roles must exist",
		doc(`"type":"user","name":"ida","roles":"x"`):                                                              "doc.roles must be an array",
		doc(`"type":"user","name":"ida","roles":{"length":0}`):                                                     "doc.roles must be an array",
		doc(`"type":"user","name":"ida","roles":[1]`):                                                              "doc.roles can only contain strings",
		doc(`"type":"user","name":"ida","roles":["a",null]`):                                                       "doc.roles can only contain strings",
		doc(`"type":"user","name":"eve","roles":[]`):                                                               "Doc ID must be of the form org.couchdb.user:name",
		doc(`"type":"user","name":5,"roles":[]`):                                                                   "Doc ID must be of the form org.couchdb.user:name",
		doc(`"type":"user","name":["ida"],"roles":[]`):                                                             "Doc ID must be of the form org.couchdb.user:name",
		doc(`"type":"user","name":"ida","roles":[],"password_sha":"x"`):                                            "Users with password_sha must have a salt.",
		doc(`"type":"user","name":"ida","roles":[],"password_scheme":"plain"`):                                     "Password scheme is not supported.",
		doc(`"type":"user","name":"ida","roles":[],"password_scheme":5`):                                           "Password scheme is not supported.",
		doc(`"type":"user","name":"ida","roles":[],"password_scheme":"pbkdf2"`):                                    "iterations must be a number.",
		doc(`"type":"user","name":"ida","roles":[],"password_scheme":"pbkdf2","iterations":"5","derived_key":"x"`): "iterations must be a number.",
		doc(`"type":"user","name":"ida","roles":[],"password_scheme":"pbkdf2","iterations":5`):                     "derived_key must be a string.",
		doc(`"type":"user","name":"ida","roles":["_x"]`):                                                           "No system roles (starting with underscore) in users db.",
		`{"_id":"org.couchdb.user:_ida","type":"user","name":"_ida","roles":[]}`:                                   "Username may not start with underscore.",
		`{"_id":"org.couchdb.user:i:da","type":"user","name":"i:da","roles":[]}`:                                   "Character `:` is not allowed in usernames.",
		`{"_id":"ida","type":"user","name":"ida","roles":[]}`:                                                      "Doc ID must be of the form org.couchdb.user:name",
	} {
		if _, err := b.put(b.as("admin"), text); !isKind(err, couch.Forbidden) || reason(err) != want {
			t.Errorf("%s: %s, want %s", text, reason(err), want)
		}
	}
	costly := account("ida", `"password_scheme":"pbkdf2","iterations":9000000,"derived_key":"x","salt":"x"`)
	if _, err := b.put(b.as(""), costly); !isKind(err, couch.Forbidden) {
		t.Errorf("a costly hash at sign-up: %v", err)
	}
	rev := b.mustPut(account("ida", ""))
	renamed := `{"_id":"org.couchdb.user:ida","_rev":"` + rev + `","type":"user","name":"eve","roles":[]}`
	if _, err := b.put(b.as("admin"), renamed); !isKind(err, couch.Forbidden) {
		t.Errorf("another name: %v", err)
	}
}

func FuzzAccount(f *testing.F) {
	b := newBench(f)
	f.Add([]byte(account("ida", `"password":"x"`)))
	f.Add([]byte(`{"_id":"org.couchdb.user:ida","name":"ida","type":"user","roles":["_admin"],"Roles":[],"totp":{"key":5}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		parsed, err := docjson.NewReader(strings.NewReader(string(text))).Document(docjson.Options{})
		if err != nil || parsed.Deleted || len(parsed.Attachments) > 0 {
			return
		}
		const id = "org.couchdb.user:ida"
		b.t = t
		results, err := b.as("").BulkDocs(t.Context(), one(&couch.Document{ID: id, Body: parsed.Body}))
		if err != nil {
			t.Fatal(err)
		}
		u, err := users.Source{Databases: b.store}.User(t.Context(), "ida")
		if err != nil {
			t.Fatal(err)
		}
		if results[0].Err != nil {
			if u != nil {
				t.Errorf("%q was refused and is there", text)
			}
			return
		}
		if u == nil || len(u.Roles) > 0 {
			t.Errorf("%q makes %+v", text, u)
		}
		if _, err := b.put(b.as("admin"), `{"_id":"`+id+`","_deleted":true,"_rev":"`+results[0].Rev.String()+`"}`); err != nil {
			t.Fatal(err)
		}
	})
}

func BenchmarkUser(b *testing.B) {
	bench := newBench(b)
	bench.mustPut(account("ida", `"password":"x"`))
	req := httptest.NewRequest("GET", "/", nil)
	req.SetBasicAuth("ida", "x")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := bench.auth.Authenticate(req); err != nil {
			b.Fatal(err)
		}
	}
}
