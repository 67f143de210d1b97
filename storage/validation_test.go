package storage_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"settle/storage"
	"settle/storage/couch"
	"settle/storage/docjson"
	"settle/storage/edits"
)

// court is a validator whose functions are Go's: a design document with a member
// "judge" has the one of that name.
type court struct {
	functions map[string]func(edits.Update) error
	seen      []string // what was judged: the new document, the old one, the security object
	during    func()   // happens while the next document is judged
	read      int      // design documents
}

func (c *court) CheckDesign(_ context.Context, _ couch.Incarnation, d *couch.Document) (refusal, err error) {
	if strings.Contains(string(d.Body.Text), "broken") {
		return couch.Errorf(couch.InvalidDesignDoc, "broken"), nil
	}
	return nil, nil
}

func (c *court) Rules(_ string, _ couch.Incarnation, d *couch.Document) (edits.Judge, int) {
	c.read++
	for name, f := range c.functions {
		if strings.Contains(string(d.Body.Text), `"judge":"`+name+`"`) {
			return func(_ context.Context, u edits.Update) (refusal, err error) {
				c.seen = append(c.seen, shownUpdate(u))
				if during := c.during; during != nil {
					c.during = nil
					during()
				}
				return f(u), nil
			}, len(d.Body.Text)
		}
	}
	return nil, 0
}

func shownUpdate(u edits.Update) string {
	old := "nothing"
	if u.Old != nil {
		old = printed(u.Old)
	}
	return printed(u.New) + " over " + old + " under " + string(u.Security)
}

func printed(d *couch.Document) string {
	return string(docjson.AppendDocument(nil, d, docjson.Print{}))
}

var errBad = &couch.Error{Kind: couch.Forbidden, Reason: "bad"}

// newCourt opens a database whose documents are judged by a design document: it refuses
// what is bad, and whatever is written while the security object says closed.
func newCourt(t *testing.T) (*bench, *court, *storage.Database) {
	c := &court{functions: map[string]func(edits.Update) error{
		"good": func(u edits.Update) error {
			if strings.Contains(string(u.New.Body.Text), "bad") || strings.Contains(string(u.Security), "closed") {
				return errBad
			}
			return nil
		},
	}}
	b := newBench(t)
	b.validator = c
	b.reopen()
	db := b.create("alpha")
	mustPut(t, db, "_design/d", "", `{"judge":"good"}`)
	return b, c, db
}

// judgedBatch writes a batch of documents, JSON, and tells what became of each.
func judgedBatch(t *testing.T, write func(context.Context, []*couch.Document) ([]couch.WriteResult, error), texts ...string) string {
	t.Helper()
	var docs []*couch.Document
	for _, text := range texts {
		p, err := docjson.NewReader(strings.NewReader(text)).Document(docjson.Options{})
		if err != nil {
			t.Fatal(err)
		}
		doc := &couch.Document{ID: p.ID, Deleted: p.Deleted, Revisions: p.Revisions, Body: p.Body}
		for _, a := range p.Attachments {
			doc.Attachments = append(doc.Attachments, couch.Attachment{Name: a.Name, Stub: true})
		}
		docs = append(docs, doc)
	}
	results, err := write(t.Context(), docs)
	if err != nil {
		return err.Error()
	}
	var told []string
	for _, r := range results {
		switch {
		case r.Err != nil:
			told = append(told, r.Err.Error())
		default:
			told = append(told, "ok")
		}
	}
	return strings.Join(told, ", ")
}

func interactively(db *storage.Database) func(context.Context, []*couch.Document) ([]couch.WriteResult, error) {
	return func(ctx context.Context, docs []*couch.Document) ([]couch.WriteResult, error) {
		return db.BulkDocs(ctx, storage.Docs(docs...))
	}
}

func replicating(db *storage.Database) func(context.Context, []*couch.Document) ([]couch.WriteResult, error) {
	return func(ctx context.Context, docs []*couch.Document) ([]couch.WriteResult, error) {
		return db.PutRevs(ctx, storage.Docs(docs...))
	}
}

func (c *court) wasAsked(t *testing.T, want ...string) {
	t.Helper()
	if got := strings.Join(c.seen, "\n"); got != strings.Join(want, "\n") {
		t.Errorf("judged were\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
	c.seen = nil
}

func TestJudged(t *testing.T) {
	_, c, db := newCourt(t)
	if got := judgedBatch(t, interactively(db), `{"_id":"a"}`, `{"_id":"b","v":"bad"}`, `{"_id":"_design/x","v":"bad"}`, `{"_id":"_design/y","v":"broken"}`, `{"_id":"c","_rev":"1-x"}`); got != "ok, bad, ok, broken, Document update conflict." {
		t.Error(got)
	}
	c.wasAsked(t, `{"_id":"a"} over nothing under `, `{"_id":"b","v":"bad"} over nothing under `)
	if got := get(t, db, "b", couch.GetOptions{}); got != "missing" {
		t.Error(got)
	}
	if _, err := db.PutLocal(t.Context(), &couch.LocalDocument{ID: "_local/x", Body: couch.Body{Text: []byte(`{"v":"bad"}`)}}); err != nil {
		t.Error(err)
	}
	mustPut(t, db, "_design/d2", "", `{}`)
	mustPut(t, db, "filler", "", `{}`) // and the new rules are read
	c.seen = nil
	a := mustPut(t, db, "a", firstRev(t, db, "a"), `{"n":2}`)
	c.wasAsked(t, `{"_id":"a","_rev":"1-967a00dff5e02add41819138abb3284d","n":2} over {"_id":"a","_rev":"1-967a00dff5e02add41819138abb3284d"} under `)
	if got := judgedBatch(t, interactively(db), `{"_id":"a","n":3}`, fmt.Sprintf(`{"_id":"a","_rev":%q,"_deleted":true,"v":"bad"}`, a)); got != "Document update conflict., bad" {
		t.Error(got)
	}
	c.wasAsked(t, `{"_id":"a","_rev":"`+a+`","v":"bad","_deleted":true} over {"_id":"a","_rev":"`+a+`","n":2} under `)
}

// A batch of which every document is refused before it is judged is over, whatever the
// security object says.
func TestNothingToJudge(t *testing.T) {
	_, c, db := newCourt(t)
	if err := db.SetSecurity(t.Context(), []byte(`{"members":{}}`)); err != nil {
		t.Fatal(err)
	}
	c.seen = nil
	refused := document(t, "a", `{}`)
	refused.NotInteractive = true
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	results, err := db.BulkDocs(ctx, storage.Docs(refused))
	if err != nil || len(results) != 1 || results[0].Err == nil {
		t.Errorf("%+v, %v", results, err)
	}
	c.wasAsked(t)
}

func firstRev(t *testing.T, db *storage.Database, id string) string {
	t.Helper()
	doc, err := db.Get(t.Context(), couch.DocID(id), couch.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return doc.Rev().String()
}

// Of a replicated revision the nearest ancestor that is stored is the old one; one that
// is there already is not judged.
func TestReplicatedJudged(t *testing.T) {
	_, c, db := newCourt(t)
	push(t, db, "a", false, 2, []string{"b", "a"}, `{"n":2}`)
	c.seen = nil
	for _, tt := range []struct{ doc, want, asked string }{
		{`{"_id":"a","_revisions":{"start":4,"ids":["d","c","b"]},"n":4}`, "ok", `{"_id":"a","_rev":"4-d","n":4} over {"_id":"a","_rev":"2-b","n":2} under `},
		{`{"_id":"a","_revisions":{"start":4,"ids":["d","c","b"]},"n":"bad"}`, "ok", ``},
		{`{"_id":"a","_revisions":{"start":5,"ids":["e","d"]},"v":"bad"}`, "bad", `{"_id":"a","_rev":"5-e","v":"bad"} over {"_id":"a","_rev":"4-d","n":4} under `},
		{`{"_id":"a","_revisions":{"start":4,"ids":["y","c"]},"n":5}`, "ok", `{"_id":"a","_rev":"4-y","n":5} over {"_id":"a","_rev":"2-b","n":2} under `},
		{`{"_id":"a","_revisions":{"start":2,"ids":["q","p"]},"n":6}`, "ok", `{"_id":"a","_rev":"2-q","n":6} over nothing under `},
		{`{"_id":"_design/y","_rev":"1-x","v":"broken"}`, "broken", ``},
	} {
		if got := judgedBatch(t, replicating(db), tt.doc); got != tt.want {
			t.Errorf("%s: %s", tt.doc, got)
		}
		if tt.asked == "" {
			c.wasAsked(t)
		} else {
			c.wasAsked(t, tt.asked)
		}
	}
}

// An edit of what another edit of the batch makes is not written unjudged.
func TestJudgedAgainstWhatIsStored(t *testing.T) {
	_, c, db := newCourt(t)
	const first = "1-967a00dff5e02add41819138abb3284d" // of an empty document
	if got := judgedBatch(t, interactively(db), `{"_id":"a"}`, `{"_id":"a","_rev":"`+first+`","v":"bad"}`); got != "ok, Document update conflict." {
		t.Error(got)
	}
	c.wasAsked(t, `{"_id":"a"} over nothing under `)
	stub := `"_attachments":{"x":{"stub":true,"content_type":"text/plain"}}`
	for _, doc := range []string{`{"_id":"z","v":"bad",` + stub + `}`, `{"_id":"z","_rev":"1-x",` + stub + `}`, `{"_id":"a","_rev":"` + first + `","v":"bad",` + stub + `}`} {
		if got := judgedBatch(t, interactively(db), `{"_id":"b"}`, doc); !strings.HasPrefix(got, "Invalid attachment stub") {
			t.Errorf("%s: %s", doc, got)
		}
	}
	if got := get(t, db, "b", couch.GetOptions{}); got != "missing" {
		t.Errorf("a part of a refused batch was written: %s", got)
	}
}

// What a batch was judged by may change before its transaction: then it is judged again.
func TestJudgedAgain(t *testing.T) {
	_, c, db := newCourt(t)
	a := mustPut(t, db, "a", "", `{"n":1}`)
	c.seen = nil
	edit := fmt.Sprintf(`{"_id":"a","_rev":%q,"n":2}`, a)

	c.during = func() { mustPut(t, db, "a", a, `{"n":7}`) }
	if got := judgedBatch(t, interactively(db), edit, `{"_id":"other"}`); got != "Document update conflict., ok" {
		t.Errorf("the document changes: %s", got)
	}
	if len(c.seen) != 3 { // what has not changed is not judged twice
		t.Errorf("judged were %q", c.seen)
	}

	c.seen = nil
	c.during = func() {
		if err := db.SetSecurity(t.Context(), []byte(`{"closed":1}`)); err != nil {
			t.Error(err)
		}
	}
	if got := judgedBatch(t, interactively(db), `{"_id":"s"}`, `{"_id":"s2"}`); got != "bad, bad" {
		t.Errorf("the security object changes: %s", got)
	}
	if err := db.SetSecurity(t.Context(), []byte(`{}`)); err != nil {
		t.Fatal(err)
	}

	c.during = func() {
		if _, err := db.Purge(t.Context(), []couch.RevsAsk{{ID: "_design/d", Revs: []couch.RevID{parseRev(t, firstRev(t, db, "_design/d"))}}}); err != nil {
			t.Error(err)
		}
	}
	if got := judgedBatch(t, interactively(db), `{"_id":"p","v":"bad"}`); got != "ok" {
		t.Errorf("the design document is purged: %s", got)
	}
	mustPut(t, db, "_design/e", "", `{"judge":"good"}`)
	if got := judgedBatch(t, interactively(db), `{"_id":"q","v":"bad"}`); got != "bad" {
		t.Errorf("there is another design document: %s", got)
	}
}

// A revision that was there when it was judged, and is compacted before its transaction,
// is judged then.
func TestJudgedAfterCompaction(t *testing.T) {
	_, c, db := newCourt(t)
	push(t, db, "a", false, 1, []string{"a"}, `{"n":1}`)
	push(t, db, "a", false, 2, []string{"b", "a"}, `{"n":2}`)
	c.during = func() {
		if err := db.Compact(t.Context()); err != nil {
			t.Error(err)
		}
	}
	got := judgedBatch(t, replicating(db), `{"_id":"a","_revisions":{"start":1,"ids":["a"]},"v":"bad"}`, `{"_id":"b","_rev":"1-b"}`)
	if got != "bad, ok" {
		t.Error(got)
	}
}

// Batches of many transactions are judged from one to the next.
func TestManyChunksJudged(t *testing.T) {
	b, c, db := newCourt(t)
	b.store.LimitBatches(2000, 20)
	var texts []string
	var want []string
	for i := range 500 {
		v := "good"
		if i%7 == 0 {
			v = "bad"
		}
		texts = append(texts, fmt.Sprintf(`{"_id":"%03d","v":%q}`, i, v))
		want = append(want, map[string]string{"good": "ok", "bad": "bad"}[v])
	}
	if got := judgedBatch(t, interactively(db), texts...); got != strings.Join(want, ", ") {
		t.Error(got)
	}
	if len(c.seen) != 500 {
		t.Errorf("%d were judged", len(c.seen))
	}
}

// Databases without validation functions read no design documents, and those with some
// read them once.
func TestRulesAreKept(t *testing.T) {
	b, c, db := newCourt(t)
	plain := b.create("plain")
	c.read = 0
	for i := range 10 {
		mustPut(t, plain, fmt.Sprint(i), "", `{}`)
		mustPut(t, db, fmt.Sprint(i), "", `{}`)
	}
	if c.read != 1 {
		t.Errorf("%d design documents were read", c.read)
	}
	mustPut(t, plain, "_design/x", "", `{}`)
	mustPut(t, plain, "x", "", `{}`)
	mustPut(t, plain, "y", "", `{}`)
	if c.read != 2 {
		t.Errorf("%d design documents were read", c.read)
	}
}

var errEnd = errors.New("the end")

// A judge that cannot say ends the batch, of which nothing is written.
func TestJudgeFails(t *testing.T) {
	_, c, db := newCourt(t)
	c.functions["good"] = func(edits.Update) error { return nil }
	ctx, cancel := context.WithCancelCause(t.Context())
	c.during = func() { cancel(errEnd) }
	if _, err := db.BulkDocs(ctx, storage.Docs(document(t, "a", `{}`))); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if got := get(t, db, "a", couch.GetOptions{}); got != "missing" {
		t.Error(got)
	}
}
