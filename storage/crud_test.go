package storage_test

import (
	"context"
	"crypto/md5"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"settle/storage"
	"settle/storage/couch"
)

// The revision ids in these tests are those that CouchDB 3.5.0 answered to the
// same edits.

func TestEditsOfOneDocument(t *testing.T) {
	db := newBench(t).create("alpha")
	r1 := mustPut(t, db, "doc1", "", `{"a":1,"b":"zwei","c":[1,2.5,null,true],"d":{"e":{}}}`)
	r2 := mustPut(t, db, "doc1", r1, `{"a":2}`)
	r3 := mustPut(t, db, "doc1", r2, `{"_deleted":true}`)
	r4 := mustPut(t, db, "doc1", "", `{"again":true}`)
	want := []string{
		"1-0d8fa3735ae58d5ea0f5e2528092982e", "2-05001e5be915cdd2e3aacd2c454dcbf3",
		"3-147b0cb18999c80bf14ac472a06b7310", "4-4ed10b997f0d012592f5b1ac917448d7",
	}
	if diff := cmp.Diff(want, []string{r1, r2, r3, r4}); diff != "" {
		t.Errorf("revisions (-want +got):\n%s", diff)
	}
	got := get(t, db, "doc1", couch.GetOptions{Revs: true})
	if want := `{"_id":"doc1","_rev":"4-4ed10b997f0d012592f5b1ac917448d7","again":true,"_revisions":{"start":4,"ids":["4ed10b997f0d012592f5b1ac917448d7","147b0cb18999c80bf14ac472a06b7310","05001e5be915cdd2e3aacd2c454dcbf3","0d8fa3735ae58d5ea0f5e2528092982e"]}}`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got, want := get(t, db, "doc1", couch.GetOptions{Rev: parseRev(t, r1)}), `{"_id":"doc1","_rev":"`+r1+`","a":1,"b":"zwei","c":[1,2.5,null,true],"d":{"e":{}}}`; got != want {
		t.Errorf("first revision: got %s, want %s", got, want)
	}
}

func TestRefusedEdits(t *testing.T) {
	db := newBench(t).create("alpha")
	r1 := mustPut(t, db, "d", "", `{"v":1}`)
	r2 := mustPut(t, db, "d", r1, `{"v":2}`)
	gone := mustPut(t, db, "gone", "", `{"_deleted":true}`)
	tests := []struct{ name, id, rev, text string }{
		{"no revision", "d", "", `{"v":3}`},
		{"not a leaf", "d", r1, `{"v":3}`},
		{"unknown revision", "d", "2-abc", `{"v":3}`},
		{"deleting without revision", "d", "", `{"_deleted":true}`},
		{"a tombstone's own revision", "gone", gone, `{"v":3}`},
		{"deleting the deleted", "gone", "", `{"_deleted":true,"again":1}`},
	}
	before, _ := db.UpdateSeq(context.Background())
	for _, tt := range tests {
		if r := put(t, db, tt.id, tt.rev, tt.text); !errors.Is(r.Err, couch.ErrConflict) {
			t.Errorf("%s: got %v, want a conflict", tt.name, r.Err)
		}
	}
	if after, _ := db.UpdateSeq(context.Background()); after != before {
		t.Errorf("refused edits moved the sequence from %d to %d", before, after)
	}
	if got, want := get(t, db, "d", couch.GetOptions{}), `{"_id":"d","_rev":"`+r2+`","v":2}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// An edit may name a revision of a document that is not there, but not where
// CouchDB looks the documents of the batch up.
func TestEditsOfMissingDocuments(t *testing.T) {
	db := newBench(t).create("alpha")
	named := func(id string) *couch.Document {
		d := document(t, id, `{}`)
		d.Revisions = couch.PathTo(parseRev(t, "5-abc"))
		return d
	}
	write := func(docs ...*couch.Document) []couch.WriteResult {
		t.Helper()
		results, err := db.BulkDocs(context.Background(), storage.Docs(docs...))
		if err != nil {
			t.Fatal(err)
		}
		return results
	}
	if r := write(named("first")); !errors.Is(r[0].Err, couch.ErrConflict) {
		t.Errorf("in a new database: got %v, want a conflict", r[0].Err)
	}
	mustPut(t, db, "d", "", `{}`)
	if r := write(named("new")); r[0].Err != nil || r[0].Rev.Gen != 6 {
		t.Errorf("alone: got %s, %v", r[0].Rev, r[0].Err)
	}
	if r := write(named("other"), document(t, "_design/x", `{}`)); !errors.Is(r[0].Err, couch.ErrConflict) || r[1].Err != nil {
		t.Errorf("beside a design document: got %v and %v", r[0].Err, r[1].Err)
	}
	with := named("another")
	with.Attachments = []couch.Attachment{blob(t, db, "a", "text/plain", "x")}
	if r := write(with); !errors.Is(r[0].Err, couch.ErrConflict) {
		t.Errorf("with an attachment: got %v, want a conflict", r[0].Err)
	}
}

// A deleted document that is made anew counts its attachments from 1, and its
// revision id does not depend on them.
func TestRecreationWithAttachment(t *testing.T) {
	db := newBench(t).create("alpha")
	r1 := mustPut(t, db, "new", "", `{}`, blob(t, db, "a.bin", "application/octet-stream", "hello"))
	mustPut(t, db, "new", r1, `{"_deleted":true}`)
	if r3 := mustPut(t, db, "new", "", `{}`, blob(t, db, "b.bin", "application/octet-stream", "back")); r3 != "3-a110ca8ba1bc80cd3a7d7e196915d7e9" {
		t.Errorf("got %s", r3)
	}
	doc, err := db.Get(context.Background(), "new", couch.GetOptions{})
	if err != nil || doc.Attachments[0].RevPos != 1 {
		t.Errorf("got %+v, %v", doc, err)
	}
}

func TestConflictsAndLeaves(t *testing.T) {
	db := newBench(t).create("alpha")
	push(t, db, "d", false, 1, []string{"a0"}, `{"v":"root"}`)
	push(t, db, "d", false, 3, []string{"c1", "b1", "a0"}, `{"v":"left"}`)
	push(t, db, "d", false, 2, []string{"b2", "a0"}, `{"v":"right"}`)
	push(t, db, "d", true, 3, []string{"c3", "b3", "a0"}, `{"v":"gone"}`)
	got := get(t, db, "d", couch.GetOptions{Conflicts: true, DeletedConflicts: true, RevsInfo: true, LocalSeq: true})
	want := `{"_id":"d","_rev":"3-c1","v":"left","_revs_info":[{"rev":"3-c1","status":"available"},{"rev":"2-b1","status":"missing"},{"rev":"1-a0","status":"available"}],"_conflicts":["2-b2"],"_deleted_conflicts":["3-c3"],"_local_seq":4}`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if diff := cmp.Diff([]string{"4 d 3-c1 2-b2 3-c3"}, feed(t, db, couch.ChangesOptions{AllLeaves: true})); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	opened, err := db.OpenRevs(context.Background(), "d", couch.OpenRevsOptions{Revs: []couch.RevID{parseRev(t, "9-x"), parseRev(t, "1-a0")}, Latest: true}, couch.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var revs []string
	for _, o := range opened {
		s := o.Rev.String()
		if o.Doc == nil {
			s += " missing"
		}
		revs = append(revs, s)
	}
	if diff := cmp.Diff([]string{"2-b2", "3-c1", "3-c3", "9-x missing"}, revs); diff != "" {
		t.Errorf("open revisions (-want +got):\n%s", diff)
	}
}

func TestBatchKeepsOrderOfIDs(t *testing.T) {
	db := newBench(t).create("alpha")
	docs := []*couch.Document{document(t, "c", `{}`), document(t, "a", `{}`), document(t, "b", `{}`), document(t, "a", `{"again":1}`)}
	results, err := db.BulkDocs(context.Background(), func(yield func(*couch.Document, error) bool) {
		for _, d := range docs {
			if !yield(d, nil) {
				return
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []error{nil, nil, nil, couch.ErrConflict} {
		if !errors.Is(results[i].Err, want) {
			t.Errorf("row %d: got %v, want %v", i, results[i].Err, want)
		}
	}
	rev := " 1-967a00dff5e02add41819138abb3284d"
	if diff := cmp.Diff([]string{"1 a" + rev, "2 b" + rev, "3 c" + rev}, feed(t, db, couch.ChangesOptions{})); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
}

func TestBrokenBatchWritesNothing(t *testing.T) {
	db := newBench(t).create("alpha")
	broken := errors.New("the client went away")
	att := blob(t, db, "x", "text/plain", "content")
	doc := document(t, "a", `{}`)
	doc.Attachments = []couch.Attachment{att}
	_, err := db.BulkDocs(context.Background(), func(yield func(*couch.Document, error) bool) {
		_ = yield(doc, nil) && yield(nil, broken)
	})
	if !errors.Is(err, broken) {
		t.Errorf("got %v, want %v", err, broken)
	}
	stub := document(t, "b", `{}`)
	stub.Attachments = []couch.Attachment{{Name: "none", Stub: true}}
	_, err = db.BulkDocs(context.Background(), func(yield func(*couch.Document, error) bool) {
		_ = yield(document(t, "a", `{}`), nil) && yield(stub, nil)
	})
	if !errors.Is(err, couch.ErrMissingStub) {
		t.Errorf("got %v, want a missing stub", err)
	}
	if rows := feed(t, db, couch.ChangesOptions{}); len(rows) > 0 {
		t.Errorf("something was written: %v", rows)
	}
}

// A stub in a replicated revision does not stand for the content of another revision
// that has the same name and revpos, which a document has that was made anew on top of
// a deletion that the database has not seen, or has.
func TestStubOfRecreation(t *testing.T) {
	db := newBench(t).create("alpha")
	r1 := mustPut(t, db, "new", "", `{}`, blob(t, db, "a.bin", "application/octet-stream", "hello"), blob(t, db, "a.txt", "text/plain", "hello"))
	first := parseRev(t, r1)
	sum := couch.Digest(md5.Sum([]byte("other")))
	for _, tt := range []struct {
		name string
		stub couch.Attachment
		ok   bool
	}{
		{"no digest", couch.Attachment{Name: "a.bin"}, true},
		{"the digest", couch.Attachment{Name: "a.bin", Digest: md5.Sum([]byte("hello")), Length: 5}, true},
		{"another digest", couch.Attachment{Name: "a.bin", Digest: sum, Length: 5}, false},
		{"another digest, no length", couch.Attachment{Name: "a.bin", Digest: sum}, false},
		{"another length", couch.Attachment{Name: "a.txt", Digest: sum, Length: 6}, false},
		{"another digest, as of gzip output", couch.Attachment{Name: "a.txt", Digest: sum, Length: 5}, true},
	} {
		tt.stub.Stub, tt.stub.RevPos = true, 1
		doc := document(t, "new", `{}`)
		doc.Revisions = couch.Revisions{Start: 3, Hashes: []string{tt.name, "deleted", first.Hash}}
		doc.Attachments = []couch.Attachment{tt.stub}
		_, err := db.PutRevs(context.Background(), storage.Docs(doc))
		if tt.ok && err != nil || !tt.ok && !errors.Is(err, couch.ErrMissingStub) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}
