package replication_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"settle/compat-tests/settletest"
)

func TestMain(m *testing.M) { os.Exit(settletest.Main(m)) }

// peer is a server that is asked as its administrator.
type peer struct {
	*settletest.Server // nil: it is none of settle's
	t                  testing.TB
	url                string       // of one of another maker
	client             *http.Client // nil: the default one
}

func start(t testing.TB) *peer { return &peer{Server: settletest.Start(t, settletest.Options{}), t: t} }

// URL is where the server is.
func (p *peer) URL() string {
	if p.Server == nil {
		return p.url
	}
	return p.Server.URL()
}

// send sends a request as a user, and returns status and answer.
func (p *peer) send(user, password, method, path string, body any) (status int, answer []byte) {
	p.t.Helper()
	var text []byte
	if body != nil {
		text, _ = json.Marshal(body)
	}
	req, err := http.NewRequest(method, p.URL()+path, bytes.NewReader(text))
	if err != nil {
		p.t.Fatal(err)
	}
	req.SetBasicAuth(user, password)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	client := p.client
	if client == nil {
		client = http.DefaultClient
	}
	res, err := client.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	if answer, err = io.ReadAll(res.Body); err != nil {
		p.t.Fatal(err)
	}
	return res.StatusCode, answer
}

// ask sends a request as the administrator and reads the JSON answer into v, unless that
// is nil. It returns the status.
func (p *peer) ask(method, path string, body, v any) int {
	p.t.Helper()
	status, got := p.send(settletest.AdminName, settletest.AdminPassword, method, path, body)
	if v != nil {
		if err := json.Unmarshal(got, v); err != nil {
			p.t.Fatalf("%s %s: %s", method, path, got)
		}
	}
	return status
}

func (p *peer) must(method, path string, body, v any) {
	p.t.Helper()
	var said json.RawMessage
	if status := p.ask(method, path, body, &said); status >= 300 {
		p.t.Fatalf("%s %s: %d %s", method, path, status, said)
	}
	if v != nil {
		if err := json.Unmarshal(said, v); err != nil {
			p.t.Fatal(err)
		}
	}
}

// endpoint is a database as a side of a replication, reached at a server's address or
// at a proxy's.
func endpoint(address, db string) map[string]any {
	return map[string]any{
		"url":  address + "/" + db,
		"auth": map[string]any{"basic": map[string]any{"username": settletest.AdminName, "password": settletest.AdminPassword}},
	}
}

// outcome is what _replicate answers.
type outcome struct {
	OK        bool   `json:"ok"`
	NoChanges bool   `json:"no_changes"`
	Error     string `json:"error"`
	Reason    string `json:"reason"`
	History   []struct {
		Written  int `json:"docs_written"`
		Failures int `json:"doc_write_failures"`
	} `json:"history"`
}

// replicate runs a replication on p.
func (p *peer) replicate(source, target any) outcome {
	p.t.Helper()
	var o outcome
	p.ask("POST", "/_replicate", map[string]any{"source": source, "target": target, "worker_batch_size": 20, "checkpoint_interval": 200, "connection_timeout": 3000}, &o)
	return o
}

// leaves returns every leaf of every document of a database, with histories and
// contents, by their ids.
func (p *peer) leaves(db string) map[string][]string {
	p.t.Helper()
	var changes struct{ Results []struct{ ID string } }
	p.must("GET", "/"+db+"/_changes", nil, &changes)
	all := make(map[string][]string)
	for _, row := range changes.Results {
		var revs []struct{ OK json.RawMessage }
		p.must("GET", "/"+db+"/"+escape(row.ID)+"?open_revs=all&revs=true&attachments=true", nil, &revs)
		for _, rev := range revs {
			all[row.ID] = append(all[row.ID], string(rev.OK))
		}
		slices.Sort(all[row.ID])
	}
	return all
}

func escape(id string) string {
	if name, ok := strings.CutPrefix(id, "_design/"); ok {
		return "_design/" + escape(name)
	}
	return strings.ReplaceAll(url.PathEscape(id), "+", "%2B") // a bare one stands for a space
}

// agree wants two databases to have the same leaves.
func agree(t *testing.T, a *peer, dbA string, b *peer, dbB string) {
	t.Helper()
	left, right := a.leaves(dbA), b.leaves(dbB)
	if diff := cmp.Diff(left, right); diff != "" {
		if len(diff) > 3000 {
			diff = diff[:3000]
		}
		t.Fatalf("the ends differ:\n%s", diff)
	}
	if len(left) == 0 {
		t.Fatal("nothing is there")
	}
}

// eventually waits until a condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if holds() {
			return
		}
	}
	t.Fatal("in a minute it did not happen that " + what)
}

// agreeOnLeaves is agree for databases that keep histories of different lengths.
func agreeOnLeaves(t *testing.T, a *peer, dbA string, b *peer, dbB string) {
	t.Helper()
	left, right := withoutHistories(t, a.leaves(dbA)), withoutHistories(t, b.leaves(dbB))
	if diff := cmp.Diff(left, right); diff != "" {
		t.Fatalf("the ends differ:\n%s", diff[:min(len(diff), 3000)])
	}
	if len(left) == 0 {
		t.Fatal("nothing is there")
	}
}

// withoutHistories returns leaves without what servers may keep differently: how long a
// history is, in which order the members stand, and, in PouchDB, where an attachment
// came in.
func withoutHistories(t *testing.T, all map[string][]string) map[string][]string {
	t.Helper()
	for id, leaves := range all {
		for i, leaf := range leaves {
			var doc map[string]any
			if err := json.Unmarshal([]byte(leaf), &doc); err != nil {
				t.Fatal(err)
			}
			delete(doc, "_revisions")
			atts, _ := doc["_attachments"].(map[string]any)
			for _, att := range atts {
				delete(att.(map[string]any), "revpos")
			}
			text, _ := json.Marshal(doc)
			leaves[i] = string(text)
		}
		slices.Sort(all[id])
	}
	return all
}

// quiet drops the messages of proxies about what they were told to do.
var quiet = log.New(io.Discard, "", 0)
