package changes_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"settle/server/web"
	"settle/storage"
	"settle/storage/couch"
	"settle/storage/docjson"
)

// filters are the functions of the tests' design document.
const filters = `{"_id":"_design/f","filters":{
	"mod":"function(doc, req){ return doc.n % 3 == req.query.m }",
	"conflicts":"function(doc){ return !!doc._conflicts }",
	"history":"function(doc){ return doc._revisions.ids.length == 1 && doc._revisions.start == 1 }",
	"slow":"function(doc){ var end = Date.now() + 1500; while (Date.now() < end) {} return true }",
	"who":"function(doc, req){ return req.userCtx.name == 'admin' && req.userCtx.db == 'alpha' && req.method == 'GET' && req.info.db_name == 'alpha' }",
	"throws":"function(doc){ throw({forbidden: 'no'}) }",
	"broken":"function(doc"
},"views":{"odd":{"map":"function(doc){ if (doc.n % 2) emit() }"},"nothing":{}}}`

// push stores a document, JSON, as another server has it.
func push(t *testing.T, db *storage.Database, text string) {
	t.Helper()
	p, err := docjson.NewReader(strings.NewReader(text)).Document(docjson.Options{})
	if err != nil {
		t.Fatal(err)
	}
	doc := &couch.Document{ID: p.ID, Deleted: p.Deleted, Revisions: p.Revisions, Body: p.Body}
	results, err := db.PutRevs(t.Context(), storage.Docs(doc))
	if err != nil || results[0].Err != nil {
		t.Fatal(err, results[0].Err)
	}
}

func newFunctionClient(t *testing.T) (*client, *storage.Database) {
	db := newDatabase(t)
	push(t, db, strings.Replace(filters, `{`, `{"_rev":"1-f",`, 1))
	draining := make(chan struct{})
	h := newHandler(func(string) (web.Database, error) { return db, nil }, draining)
	return &client{t: t, handler: h, draining: draining, start: time.Now()}, db
}

// Random documents with several leaves, filtered by a function: each feed shows the
// leaves that pass, as one reads them by hand.
func TestFunctionIsAskedOfAll(t *testing.T) {
	c, db := newFunctionClient(t)
	rng := rand.New(rand.NewPCG(7, 7))
	leaves := map[string]map[string]int{} // by document and revision
	for i := range 350 {
		id := fmt.Sprintf("d%03d", i)
		leaves[id] = map[string]int{}
		for l := range 1 + rng.IntN(3) {
			n := rng.IntN(9)
			push(t, db, fmt.Sprintf(`{"_id":%q,"_rev":"1-%d","n":%d,"_deleted":%t}`, id, l, n, rng.IntN(4) == 0))
			leaves[id][fmt.Sprintf("1-%d", l)] = n
		}
	}
	for _, kind := range []string{"", "&feed=continuous&timeout=0", "&feed=longpoll", "&descending=true", "&limit=1000", "&include_docs=true", "&heartbeat=1"} {
		a := c.get("filter=f/mod&m=1&style=all_docs" + kind)
		<-a.done
		seen := 0
		for line := range strings.Lines(a.text()) {
			var r row
			if json.Unmarshal([]byte(strings.TrimRight(line, ",\r\n")), &r) != nil || r.ID == "" {
				continue
			}
			seen++
			var want int
			for _, n := range leaves[r.ID] {
				if n%3 == 1 {
					want++
				}
			}
			for _, change := range r.Changes {
				if leaves[r.ID][change.Rev]%3 != 1 {
					t.Errorf("%s: %s shows %s", kind, r.ID, change.Rev)
				}
			}
			if len(r.Changes) != want {
				t.Errorf("%s: %s shows %d leaves, want %d", kind, r.ID, len(r.Changes), want)
			}
		}
		want := 0
		for _, revs := range leaves {
			for _, n := range revs {
				if n%3 == 1 {
					want++
					break
				}
			}
		}
		if a.Code != 200 || seen != want {
			t.Errorf("%s: status %d, %d rows, want %d", kind, a.Code, seen, want)
		}
	}
}

func TestFunctionSees(t *testing.T) {
	c, db := newFunctionClient(t)
	push(t, db, `{"_id":"a","_rev":"1-a","n":1}`)
	push(t, db, `{"_id":"b","_revisions":{"start":2,"ids":["b","a"]},"n":2}`)
	push(t, db, `{"_id":"c","_rev":"1-a","n":1}`)
	push(t, db, `{"_id":"c","_rev":"1-b","n":5}`)
	for query, want := range map[string]string{
		"filter=f/history": "_design/fac", "filter=f/conflicts": "c", "filter=f/who": "_design/fabc",
		"filter=_view&view=f/odd": "ac", "filter=f/mod&m=2&limit=1": "b", "filter=f/mod&m=2": "bc",
	} {
		if got, _, _ := c.get(query).result(t); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
	a := c.get("filter=f/conflicts&include_docs=true")
	<-a.done
	if strings.Contains(a.text(), "_conflicts") || strings.Contains(a.text(), "_revisions") || !strings.Contains(a.text(), `"n":5`) {
		t.Errorf("the feed shows %s", a.text())
	}
	b := c.get("filter=f/conflicts&include_docs=true&conflicts=true")
	<-b.done
	if !strings.Contains(b.text(), "_conflicts") {
		t.Errorf("the feed shows %s", b.text())
	}
}

func TestFunctionFails(t *testing.T) {
	c, db := newFunctionClient(t)
	push(t, db, `{"_id":"a","_rev":"1-a","n":1}`)
	for query, want := range map[string]string{
		"filter=f/none":               `404 {"error":"not_found","reason":"missing json key: none"}`,
		"filter=g/none":               `404 {"error":"not_found","reason":"missing"}`,
		"filter=f/throws":             `422 `,
		"filter=f/throws&limit=0":     `200`,
		"filter=_view&view=f/none":    `404 {"error":"not_found","reason":"missing json key: none"}`,
		"filter=_view&view=f/nothing": `404 {"error":"not_found","reason":"missing json key: map"}`,
		"filter=f/broken":             `400 {"error":"compilation_error",`,
	} {
		a := c.get(query)
		<-a.done
		if got := fmt.Sprint(a.Code, " ", a.text()); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
}

// While a function is slow the client hears that the feed is alive.
func TestBeatsWhileFunctionRuns(t *testing.T) {
	c, _ := newFunctionClient(t)
	a := c.get("filter=f/slow&feed=continuous&heartbeat=50&limit=1")
	<-a.done
	if got := a.lines(t); strings.Count(got, ".") < 3 || !strings.HasSuffix(got, " _design/f 1/0") {
		t.Errorf("the feed is %q", got)
	}
}

// A feed that waits shows what passes of what comes.
func TestFunctionWaits(t *testing.T) {
	c, db := newFunctionClient(t)
	a := c.get("filter=f/mod&m=1&feed=continuous&heartbeat=60000&limit=2")
	push(t, db, `{"_id":"a","_rev":"1-a","n":1}`)
	push(t, db, `{"_id":"b","_rev":"1-a","n":2}`)
	push(t, db, `{"_id":"c","_rev":"1-a","n":4}`)
	<-a.done
	if got := a.lines(t); !strings.HasPrefix(got, "a c ") {
		t.Errorf("the feed is %q", got)
	}
}
