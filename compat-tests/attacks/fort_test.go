package attacks_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"settle/compat-tests/settletest"
)

func TestMain(m *testing.M) { os.Exit(settletest.Main(m)) }

// treasure is what nobody may see but bob and boss.
const treasure = "ruby-4711"

// fort is a server with accounts and something to protect: the database "vault" of
// bob, a member, and boss, its administrator, and the database "lobby", which
// everybody may read who has an account. Eve is nobody there.
type fort struct {
	t      *testing.T
	server *settletest.Server
	addr   string // host and port
	admin  person
}

// person is somebody with a password. The zero value is anonymous.
type person struct{ name, password string }

func (p person) String() string {
	if p.name == "" {
		return "anonymous"
	}
	return p.name
}

// headers are those that log the person in.
func (p person) headers() []string {
	if p.name == "" {
		return nil
	}
	req := &http.Request{Header: http.Header{}}
	req.SetBasicAuth(p.name, p.password)
	return []string{"Authorization: " + req.Header.Get("Authorization")}
}

var (
	anonymous = person{}
	eve       = person{"eve", "eves-password"}
	bob       = person{"bob", "bobs-password"}
	boss      = person{"boss", "the-boss-password"}
)

func newFort(t *testing.T) *fort {
	t.Helper()
	s := settletest.Start(t, settletest.Options{})
	u, err := url.Parse(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	f := &fort{t: t, server: s, addr: u.Host, admin: person{settletest.AdminName, settletest.AdminPassword}}
	f.configure("chttpd_auth/iterations", "10")
	for _, p := range []person{eve, bob, boss} {
		f.must("PUT", "/_users/org.couchdb.user:"+p.name, fmt.Sprintf(`{"name":"%s","password":"%s","roles":["guest"],"type":"user"}`, p.name, p.password))
	}
	for name, security := range map[string]string{
		"vault": `{"members":{"names":["bob"]},"admins":{"names":["boss"],"roles":["keeper"]}}`,
		"lobby": `{"readers_only":{"roles":["guest"]},"members":{"names":["bob"]}}`,
	} {
		f.must("PUT", "/"+name, "")
		f.must("PUT", "/"+name+"/_security", security)
		f.must("PUT", "/"+name+"/_design/d", `{"views":{"v":{"map":"function (doc) { emit(doc._id); }"}}}`)
	}
	f.must("PUT", "/vault/gold", `{"treasure":"`+treasure+`","_attachments":{"map.txt":{"content_type":"text/plain","data":"cnVieS00NzEx"}}}`)
	f.must("PUT", "/vault/_local/note", `{"treasure":"`+treasure+`"}`)
	f.must("PUT", "/_replicator/_design/hidden", `{"treasure":"`+treasure+`"}`)
	return f
}

// must makes a request as the administrator, which must succeed, and returns the
// JSON body.
func (f *fort) must(method, path, body string) map[string]any {
	f.t.Helper()
	a := f.ask(request(method, path, body, append(f.admin.headers(), "Content-Type: application/json")...))
	if a.status/100 != 2 {
		f.t.Fatalf("%s %s: %d %s", method, path, a.status, a.body)
	}
	var object map[string]any
	if bytes.HasPrefix(a.body, []byte("{")) {
		if err := json.Unmarshal(a.body, &object); err != nil {
			f.t.Fatalf("%s %s: %v", method, path, err)
		}
	}
	return object
}

// configure sets a value of the configuration, named section/key.
func (f *fort) configure(name, value string) {
	f.t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		f.t.Fatal(err)
	}
	f.must("PUT", "/_node/_local/_config/"+name, string(text))
}

// state describes all that an attempt could have changed.
func (f *fort) state() string {
	f.t.Helper()
	var names []string
	a := f.ask(request("GET", "/_all_dbs", "", f.admin.headers()...))
	if err := json.Unmarshal(a.body, &names); err != nil {
		f.t.Fatalf("GET /_all_dbs: %d %s", a.status, a.body)
	}
	var b strings.Builder
	for _, name := range names {
		info := f.must("GET", "/"+url.PathEscape(name), "")
		locals := f.must("GET", "/"+url.PathEscape(name)+"/_local_docs?include_docs=true", "")
		fmt.Fprintln(&b, name, info["update_seq"], info["doc_count"], info["doc_del_count"], locals["rows"])
	}
	fmt.Fprintln(&b, f.must("GET", "/_node/_local/_config", ""))
	return b.String()
}

// attempt is a request that must fail.
type attempt struct {
	name string // how a failure of the test calls it
	text string // as it is sent
}

// refused makes the attempts, and wants each to be answered by an error, and none
// to change anything.
func (f *fort) refused(attempts ...attempt) {
	f.t.Helper()
	f.fail(func(a answer) bool { return a.status >= 400 }, attempts...)
}

// harmless makes the attempts, and wants none to show or to change anything.
func (f *fort) harmless(attempts ...attempt) {
	f.t.Helper()
	f.fail(func(answer) bool { return true }, attempts...)
}

func (f *fort) fail(refused func(answer) bool, attempts ...attempt) {
	f.t.Helper()
	if len(attempts) == 0 {
		return
	}
	before := f.state()
	bad := 0
	for _, try := range attempts {
		answers := f.send(try.text)
		if len(answers) == 0 {
			f.t.Fatalf("%s: no answer", try.name)
		}
		for _, a := range answers {
			if !refused(a) || a.tells() {
				bad++
				f.t.Errorf("%s: %d %s %s", try.name, a.status, a.header, shorten(a.body))
			}
		}
		if bad > 20 {
			f.t.Fatal("there are more")
		}
	}
	if after := f.state(); after != before {
		f.t.Errorf("one of %d attempts, from %q to %q, has changed something:\n%s\nwas\n%s", len(attempts), attempts[0].name, attempts[len(attempts)-1].name, after, before)
	}
}

// tells reports whether an answer has something that is secret.
func (a answer) tells() bool {
	for _, secret := range []string{treasure, "derived_key", "keeper", bob.password} {
		if bytes.Contains(a.body, []byte(secret)) {
			return true
		}
	}
	return false
}

func shorten(text []byte) string { return string(text[:min(len(text), 200)]) }
