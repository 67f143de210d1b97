package storage_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"settle/storage"
	"settle/storage/couch"
)

// content reads an attachment of a document.
func content(t testing.TB, db *storage.Database, id, rev, name string) string {
	t.Helper()
	doc, err := db.Get(context.Background(), couch.DocID(id), couch.GetOptions{Rev: parseRev(t, rev)})
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range doc.Attachments {
		if a.Name == name {
			return readBlob(t, db, a)
		}
	}
	t.Fatalf("%s has no attachment %s", id, name)
	return ""
}

func readBlob(t testing.TB, db *storage.Database, a couch.Attachment) string {
	t.Helper()
	b, err := db.OpenBlob(context.Background(), a)
	if err != nil {
		t.Fatal(err)
	}
	r, err := b.Reader(0, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	all, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(all)
}

func TestAttachmentsFollowStubs(t *testing.T) {
	b := newBench(t)
	db := b.create("alpha")
	large := strings.Repeat("large ", 50_000)
	r1 := mustPut(t, db, "d", "", `{"v":1}`, blob(t, db, "a.bin", "application/octet-stream", "hello"), blob(t, db, "b.bin", "application/octet-stream", large))
	r2 := mustPut(t, db, "d", r1, `{"v":2}`, couch.Attachment{Name: "a.bin", Stub: true}, couch.Attachment{Name: "b.bin", Stub: true, RevPos: 1})
	want := `{"_id":"d","_rev":"` + r2 + `","v":2,"_attachments":{` +
		`"a.bin":{"content_type":"application/octet-stream","revpos":1,"digest":"md5-XUFAKrxLKna5cZ2REBfFkg==","length":5,"stub":true},` +
		`"b.bin":{"content_type":"application/octet-stream","revpos":1,"digest":"md5-` // the large one's digest is its own business
	if got := get(t, db, "d", couch.GetOptions{}); !strings.HasPrefix(got, want) {
		t.Errorf("got  %s\nwant %s…", got, want)
	}
	b.reopen()
	db, _ = b.store.Database(context.Background(), "alpha")
	if got := content(t, db, "d", r2, "b.bin"); got != large {
		t.Errorf("the large attachment came back with %d bytes", len(got))
	}
	if got := content(t, db, "d", r1, "a.bin"); got != "hello" {
		t.Errorf("got %q", got)
	}
}

func TestStubsThatNameNothing(t *testing.T) {
	db := newBench(t).create("alpha")
	r1 := mustPut(t, db, "d", "", `{"v":1}`, blob(t, db, "a.bin", "text/plain", "hello"))
	for _, stub := range []couch.Attachment{{Name: "b.bin", Stub: true}, {Name: "a.bin", Stub: true, RevPos: 9}} {
		doc := document(t, "d", `{"v":2}`)
		doc.Revisions = couch.PathTo(parseRev(t, r1))
		doc.Attachments = []couch.Attachment{stub}
		if _, err := db.BulkDocs(context.Background(), storage.Docs(doc)); !errors.Is(err, couch.ErrMissingStub) {
			t.Errorf("%+v: got %v, want a missing stub", stub, err)
		}
	}
}

func TestReplicatedStubsAreFoundInAncestors(t *testing.T) {
	db := newBench(t).create("alpha")
	doc := document(t, "d", `{"v":1}`)
	doc.Revisions = couch.Revisions{Start: 1, Hashes: []string{"a"}}
	doc.Attachments = []couch.Attachment{blob(t, db, "x", "text/plain", "hello")}
	later := document(t, "d", `{"v":3}`)
	later.Revisions = couch.Revisions{Start: 3, Hashes: []string{"c", "b", "a"}}
	later.Attachments = []couch.Attachment{{Name: "x", Stub: true, RevPos: 1}}
	for _, d := range []*couch.Document{doc, later} {
		if _, err := db.PutRevs(context.Background(), storage.Docs(d)); err != nil {
			t.Fatal(err)
		}
	}
	if got := content(t, db, "d", "3-c", "x"); got != "hello" {
		t.Errorf("got %q", got)
	}
}

func TestCompactionRemovesWhatNothingUses(t *testing.T) {
	b := newBench(t)
	db := b.create("alpha")
	large := strings.Repeat("large ", 50_000)
	r1 := mustPut(t, db, "d", "", `{"v":1}`, blob(t, db, "small", "text/plain", "hello"), blob(t, db, "large", "text/plain", large))
	r2 := mustPut(t, db, "d", r1, `{"v":2}`, couch.Attachment{Name: "small", Stub: true})
	if n := b.check().Blobs; n != 2 {
		t.Errorf("%d blobs before compaction, want 2", n)
	}
	if err := db.Compact(context.Background()); err != nil {
		t.Fatal(err)
	}
	if n := b.check().Blobs; n != 1 {
		t.Errorf("%d blobs after compaction, want 1", n)
	}
	if got := get(t, db, "d", couch.GetOptions{Rev: parseRev(t, r1)}); got != "missing" {
		t.Errorf("the first revision after compaction: %s", got)
	}
	if got := content(t, db, "d", r2, "small"); got != "hello" {
		t.Errorf("got %q", got)
	}
	info, err := db.Info(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if info.Sizes.File != int64(len(`{"v":2}`)+len("hello")) {
		t.Errorf("sizes after compaction: %+v", info.Sizes)
	}
}
