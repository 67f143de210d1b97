package storage_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"settle/storage"
	"settle/storage/couch"
	"settle/storage/kv"
)

// meant is a stub of the content of an attachment that a document has.
func meant(t testing.TB, db *storage.Database, id, rev, name string) couch.Attachment {
	t.Helper()
	doc, err := db.Get(context.Background(), couch.DocID(id), couch.GetOptions{Rev: parseRev(t, rev)})
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range doc.Attachments {
		if a.Name == name {
			return couch.Attachment{Name: name, ContentType: a.ContentType, RevPos: a.RevPos, Digest: a.Digest, Length: a.Length, Stub: true, ByDigest: true}
		}
	}
	t.Fatalf("%s has no attachment %s", id, name)
	return couch.Attachment{}
}

// pushAtts stores a revision as a replicator does; path is newest first.
func pushAtts(t testing.TB, db *storage.Database, id string, start uint64, path []string, atts ...couch.Attachment) error {
	t.Helper()
	doc := document(t, id, `{}`)
	doc.Revisions = couch.Revisions{Start: start, Hashes: path}
	doc.Attachments = atts
	results, err := db.PutRevs(context.Background(), storage.Docs(doc))
	if err != nil {
		t.Fatal(err)
	}
	return results[0].Err
}

func compact(t testing.TB, db *storage.Database) {
	t.Helper()
	if err := db.Compact(context.Background()); err != nil {
		t.Fatal(err)
	}
}

func isMissingStub(err error, name string) bool {
	known, ok := errors.AsType[*couch.Error](err)
	return ok && known.Kind == couch.Forbidden && known.Reason == "missing_stub: "+name && errors.Is(err, couch.ErrMissingStub)
}

// A stub by digest finds its content in any held revision of its document, keeps its
// name, its type and its revpos, and never finds another document's.
func TestStubByDigest(t *testing.T) {
	b := newBench(t)
	db := b.create("alpha")
	r1 := mustPut(t, db, "d", "", `{"v":1}`, blob(t, db, "a", "text/plain", "one"))
	a := meant(t, db, "d", r1, "a")
	r2 := mustPut(t, db, "d", r1, `{"v":2}`, blob(t, db, "a", "text/plain", "two"))
	mustPut(t, db, "other", "", `{}`, blob(t, db, "a", "text/plain", "secret"))
	hash := func(rev string) string { return parseRev(t, rev).Hash }

	renamed := a
	renamed.Name, renamed.ContentType = "b", "image/png"
	r3 := mustPut(t, db, "d", r2, `{"v":3}`, renamed)
	doc, err := db.Get(context.Background(), "d", couch.GetOptions{})
	if err != nil || len(doc.Attachments) != 1 {
		t.Fatal(doc, err)
	}
	if got := doc.Attachments[0]; got.Name != "b" || got.ContentType != "image/png" || got.RevPos != 1 || got.Stub || got.ByDigest || got.Length != 3 {
		t.Errorf("it became %+v", got)
	}
	if got := content(t, db, "d", r3, "b"); got != "one" {
		t.Errorf("the content is %q", got)
	}

	for _, tt := range []struct{ given, want uint64 }{{0, 1}, {1, 1}, {2, 2}, {9, 1}, {couch.NoRevPos, 1}} {
		stub := a
		stub.RevPos = tt.given
		name := fmt.Sprint("branch", tt.given)
		if err := pushAtts(t, db, "d", 2, []string{name, hash(r1)}, stub); err != nil {
			t.Fatal(err)
		}
		doc, err := db.Get(context.Background(), "d", couch.GetOptions{Rev: couch.RevID{Gen: 2, Hash: name}})
		if err != nil || doc.Attachments[0].RevPos != tt.want {
			t.Errorf("revpos %d became %d, %v", tt.given, doc.Attachments[0].RevPos, err)
		}
	}
	secret := meant(t, db, "other", mustWinner(t, db, "other"), "a")
	wrong := a
	wrong.Length++
	for _, stub := range []couch.Attachment{secret, wrong} {
		if err := pushAtts(t, db, "d", 2, []string{"none", hash(r1)}, stub); !isMissingStub(err, "a") {
			t.Errorf("a content that is not the document's: %v", err)
		}
		if r := put(t, db, "d", r3, `{}`, stub); !isMissingStub(r.Err, "a") {
			t.Errorf("a content that is not the document's: %v", r.Err)
		}
		if r := put(t, db, "new", "", `{}`, stub); !isMissingStub(r.Err, "a") {
			t.Errorf("a content of a new document: %v", r.Err)
		}
	}
}

// A document whose content is missing is refused alone, in batches that spool too,
// and what it has brought is discarded.
func TestStubByDigestRefusesItsDocument(t *testing.T) {
	for _, limit := range []int{1 << 20, 1} {
		b := newBench(t)
		b.store.LimitBatches(limit, 2)
		db := b.create("alpha")
		var docs []*couch.Document
		for i := range 9 {
			doc := document(t, fmt.Sprint("d", i), `{}`)
			if i == 4 {
				doc.Attachments = []couch.Attachment{
					blob(t, db, "new", "text/plain", strings.Repeat("x", 100_000)),
					{Name: "gone", Length: 3, Stub: true, ByDigest: true},
				}
			}
			docs = append(docs, doc)
		}
		results, err := db.BulkDocs(context.Background(), storage.Docs(docs...))
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range results {
			if missing := isMissingStub(r.Err, "gone"); missing != (i == 4) || !missing && r.Err != nil {
				t.Errorf("document %d: %v", i, r.Err)
			}
		}
		if n := len(blobFiles(t, b.fs, "data/blobs")); n != 0 {
			t.Errorf("%d files are left", n)
		}
	}
}

// Compaction keeps the attachments of revisions that were superseded of late, and
// nothing else of them.
func TestKeepAncestors(t *testing.T) {
	b := newBench(t)
	clock := b.setClock(time.Date(2030, 1, 1, 12, 30, 0, 0, time.UTC))
	b.keep = 30 * 24 * time.Hour
	b.reopen()
	db := b.create("alpha")
	large := strings.Repeat("large ", 20_000)
	r1 := mustPut(t, db, "d", "", `{"planted":1}`, blob(t, db, "a", "text/plain", large), blob(t, db, "b", "text/plain", "small"))
	big, small := meant(t, db, "d", r1, "a"), meant(t, db, "d", r1, "b")
	clock.pass(20 * 24 * time.Hour)
	r2 := mustPut(t, db, "d", r1, `{"v":2}`, blob(t, db, "a", "text/plain", "other"))
	clock.pass(29 * 24 * time.Hour)
	for range 2 {
		compact(t, db)
		b.check()
	}
	if got := get(t, db, "d", couch.GetOptions{Rev: parseRev(t, r1)}); got != "missing" {
		t.Errorf("the compacted revision reads as %s", got)
	}
	if s := info(t, db).Sizes; s.File-s.Active != int64(len(large)+len("small")) {
		t.Errorf("%d bytes are kept", s.File-s.Active)
	}
	hash := parseRev(t, r1).Hash
	if err := pushAtts(t, db, "d", 3, []string{"c", "b", hash}, big, small); err != nil {
		t.Fatal(err)
	}
	if got := content(t, db, "d", "3-c", "a"); got != large {
		t.Errorf("the content has %d bytes", len(got))
	}
	doc := document(t, "d", `{}`)
	doc.Revisions = couch.Revisions{Start: 2, Hashes: []string{"byname", hash}}
	doc.Attachments = []couch.Attachment{{Name: "a", Stub: true}}
	if _, err := db.PutRevs(context.Background(), storage.Docs(doc)); !errors.Is(err, couch.ErrMissingStub) {
		t.Errorf("a stub by name of a compacted revision: %v", err)
	}
	purge(t, db, []string{"d", "3-c"})
	clock.pass(24*time.Hour + 29*time.Minute)
	compact(t, db)
	if err := pushAtts(t, db, "d", 3, []string{"d", "b", hash}, small); err != nil {
		t.Errorf("in the last hour: %v", err)
	}
	purge(t, db, []string{"d", "3-d"})
	clock.pass(time.Hour)
	compact(t, db)
	b.check()
	if err := pushAtts(t, db, "d", 3, []string{"e", "b", hash}, small); !isMissingStub(err, "b") {
		t.Errorf("after the time was over: %v", err)
	}
	if n := len(blobFiles(t, b.fs, "data/blobs")); n != 0 {
		t.Errorf("%d files are left", n)
	}
	if s := info(t, db).Sizes; s.File != s.Active || mustWinner(t, db, "d") != r2 {
		t.Errorf("%d bytes are kept of %d", s.File-s.Active, s.File)
	}
}

// What is superseded while a compaction runs is young, however long nothing was before.
func TestKeepSupersededMeanwhile(t *testing.T) {
	b := newBench(t)
	clock := b.setClock(time.Date(2030, 1, 1, 12, 30, 0, 0, time.UTC))
	b.keep = 30 * 24 * time.Hour
	var compacting atomic.Bool
	var meanwhile func()
	b.update = func(opts []kv.UpdateOption, run func() error) error {
		err := run()
		if slices.Contains(opts, kv.Lazy) && compacting.CompareAndSwap(true, false) {
			meanwhile()
		}
		return err
	}
	b.reopen()
	db := b.create("alpha")
	b.store.WaitForBackground()
	first := mustPut(t, db, "d", "", `{}`, blob(t, db, "a", "text/plain", "content"))
	a := meant(t, db, "d", first, "a")
	clock.pass(60 * 24 * time.Hour)
	meanwhile = func() { mustPut(t, db, "d", first, `{"v":2}`) }
	compacting.Store(true)
	compact(t, db)
	if got := get(t, db, "d", couch.GetOptions{Rev: parseRev(t, first)}); got != "missing" {
		t.Errorf("the compacted revision reads as %s", got)
	}
	if err := pushAtts(t, db, "d", 2, []string{"b", parseRev(t, first).Hash}, a); err != nil {
		t.Error(err)
	}
}

// What is kept of a revision goes when it is purged or stemmed, and is replaced when
// it comes again whole.
func TestKeptAttachmentsGo(t *testing.T) {
	for name, end := range map[string]func(t *testing.T, db *storage.Database, first, last string){
		"purged": func(t *testing.T, db *storage.Database, _, last string) { purge(t, db, []string{"d", last}) },
		"stemmed": func(t *testing.T, db *storage.Database, _, last string) {
			if err := db.SetRevsLimit(context.Background(), 1); err != nil {
				t.Fatal(err)
			}
			mustPut(t, db, "d", last, `{}`)
		},
		"stored again": func(t *testing.T, db *storage.Database, first, last string) {
			if err := pushAtts(t, db, "d", 1, []string{parseRev(t, first).Hash}); err != nil {
				t.Fatal(err)
			}
		},
		"stored again with others": func(t *testing.T, db *storage.Database, first, last string) {
			if err := pushAtts(t, db, "d", 1, []string{parseRev(t, first).Hash}, blob(t, db, "x", "text/plain", "x")); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.store.SetKeepAncestors(storage.DefaultKeepAncestors)
			db := b.create("alpha")
			first := mustPut(t, db, "d", "", `{}`, blob(t, db, "a", "text/plain", strings.Repeat("large ", 20_000)))
			last := mustPut(t, db, "d", first, `{}`)
			compact(t, db)
			if n := len(blobFiles(t, b.fs, "data/blobs")); n != 1 {
				t.Fatalf("%d files are kept", n)
			}
			end(t, db, first, last)
			if n := len(blobFiles(t, b.fs, "data/blobs")); n != 0 {
				t.Errorf("%d files are left", n)
			}
		})
	}
}

// What a compaction has to keep does not make a database be compacted again and again.
func TestKeptAttachmentsAreNoReasonToCompact(t *testing.T) {
	b := newWastefulBench(t)
	b.store.SetKeepAncestors(storage.DefaultKeepAncestors)
	db := b.create("alpha")
	first := mustPut(t, db, "d", "", `{}`, blob(t, db, "a", "text/plain", strings.Repeat("x", 100_000)))
	rev := mustPut(t, db, "d", first, `{}`)
	eventually(t, "compaction", func() bool { return get(t, db, "d", couch.GetOptions{Rev: parseRev(t, first)}) == "missing" })
	eventually(t, "its end", func() bool { return b.store.Tasks() == nil })
	time.Sleep(50 * time.Millisecond) // of the rest, and of one more turn in the queue
	for range 3 {
		next := mustPut(t, db, "d", rev, `{}`)
		time.Sleep(30 * time.Millisecond)
		if got := get(t, db, "d", couch.GetOptions{Rev: parseRev(t, rev)}); got == "missing" {
			t.Error("it was compacted again")
		}
		rev = next
	}
	mustPut(t, db, "d", rev, `{}`, blob(t, db, "a", "text/plain", strings.Repeat("y", 300_000)))
	mustPut(t, db, "d", mustWinner(t, db, "d"), `{}`)
	eventually(t, "compaction for new garbage", func() bool { return get(t, db, "d", couch.GetOptions{Rev: parseRev(t, rev)}) == "missing" })
}
