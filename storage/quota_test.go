package storage_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"settle/storage"
	"settle/storage/couch"
)

// used returns what a database's quota counts.
func used(t *testing.T, db *storage.Database) int64 {
	t.Helper()
	q, err := db.Quota(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return q.Used()
}

// A batch that is too much is refused as a whole, also where it takes several
// transactions; what does not grow passes.
func TestQuotaOfBatches(t *testing.T) {
	b := newBench(t)
	db := b.create("db")
	rev := mustPut(t, db, "old", "", `{"text":"`+strings.Repeat("x", 5000)+`"}`)
	if err := db.SetQuota(t.Context(), 1<<20); err != nil {
		t.Fatal(err)
	}
	before, err := db.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	batch := func(yield func(*couch.Document, error) bool) {
		for i := range 6000 {
			if !yield(document(t, fmt.Sprintf("doc%d", i), `{"text":"`+strings.Repeat("y", 200)+`"}`), nil) {
				return
			}
		}
	}
	if _, err := db.BulkDocs(t.Context(), batch); !errors.Is(err, couch.ErrOverQuota) {
		t.Errorf("%v", err)
	}
	after, err := db.Info(t.Context())
	if err != nil || after.UpdateSeq != before.UpdateSeq || after.DocCount != 1 {
		t.Errorf("%+v, %v", after, err)
	}
	if err := db.SetQuota(t.Context(), 10); err != nil {
		t.Fatal(err)
	}
	mustPut(t, db, "old", rev, `{"text":"`+strings.Repeat("z", 5000)+`"}`)
	if n := used(t, db); n != 5011 {
		t.Errorf("%d bytes are used", n)
	}
	b.reopen()
	if db, err = b.store.Database(t.Context(), "db"); err != nil {
		t.Fatal(err)
	}
	if q, err := db.Quota(t.Context()); err != nil || q != (couch.Quota{Max: 10, Documents: 5011}) {
		t.Errorf("%+v, %v", q, err)
	}
	if err := db.SetQuota(t.Context(), couch.NoQuota); err != nil {
		t.Fatal(err)
	}
	if _, err := db.BulkDocs(t.Context(), batch); err != nil {
		t.Error(err)
	}
}

// A content counts once, however many leaves have it.
func TestQuotaCountsContentsOnce(t *testing.T) {
	b := newBench(t)
	db := b.create("db")
	a := blob(t, db, "a", "text/plain", strings.Repeat("content ", 1000))
	rev := mustPut(t, db, "doc", "", `{}`, a)
	stub := couch.Attachment{Name: "a", Stub: true}
	rev = mustPut(t, db, "doc", rev, `{}`, stub)
	if n := used(t, db); n != 8002 {
		t.Errorf("%d bytes", n)
	}
	mustPut(t, db, "doc", rev, `{}`)
	if n := used(t, db); n != 2 {
		t.Errorf("%d bytes are left", n)
	}
}

// A content that takes the place of another grows nothing, though the other is stored
// until a compaction, and counts again where somebody goes back to it.
func TestQuotaCountsNothingSuperseded(t *testing.T) {
	b := newBench(t)
	b.store.SetKeepAncestors(time.Hour)
	db := b.create("db")
	content := func(s string) couch.Attachment { return blob(t, db, "a", "text/plain", strings.Repeat(s, 500)) }
	rev := mustPut(t, db, "doc", "", `{}`, content("x"))
	other := mustPut(t, db, "other", "", `{}`, content("x"))
	if err := db.SetQuota(t.Context(), 504); err != nil {
		t.Fatal(err)
	}
	if r, err := tryPut(t, db, "doc", rev, content("y")); !errors.Is(err, couch.ErrOverQuota) {
		t.Errorf("a second content: %+v, %v", r, err)
	}
	mustPut(t, db, "other", other, `{}`)
	for _, s := range []string{"y", "z", "x"} {
		rev = mustPut(t, db, "doc", rev, `{}`, content(s))
		if n := used(t, db); n != 504 {
			t.Errorf("with %q %d bytes are used", s, n)
		}
	}
	if err := db.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := used(t, db); n != 504 {
		t.Errorf("compacted %d bytes are used", n)
	}
	rev = mustPut(t, db, "doc", rev, `{}`)
	if n := used(t, db); n != 4 {
		t.Errorf("without contents %d bytes are used", n)
	}
	mustPut(t, db, "doc", rev, `{}`, content("y"))
	if n := used(t, db); n != 504 {
		t.Errorf("with an old content %d bytes are used", n)
	}
}

// tryPut makes an edit that is refused as a batch.
func tryPut(t *testing.T, db *storage.Database, id, rev string, atts ...couch.Attachment) ([]couch.WriteResult, error) {
	t.Helper()
	doc := document(t, id, `{}`)
	doc.Revisions, doc.Attachments = couch.PathTo(parseRev(t, rev)), atts
	return db.BulkDocs(t.Context(), storage.Docs(doc))
}

// A batch of several transactions is as large as what all of them leave, and is refused
// before the first.
func TestQuotaOfSpooledBatches(t *testing.T) {
	revision := func(id string, gen uint64, text string, atts ...couch.Attachment) *couch.Document {
		doc := document(t, id, text)
		doc.Attachments = atts
		for n := gen; n > 0; n-- {
			doc.Revisions.Hashes = append(doc.Revisions.Hashes, fmt.Sprint("of", n))
		}
		doc.Revisions.Start = gen
		return doc
	}
	long := `{"text":"` + strings.Repeat("x", 989) + `"}` // 1000 bytes
	type batch = func(content func(string) couch.Attachment) []*couch.Document
	for _, tt := range []struct {
		name   string
		stored batch
		room   int64
		docs   batch
		fits   bool
	}{
		{"a content that two documents bring", nil, 504, func(content func(string) couch.Attachment) []*couch.Document {
			return []*couch.Document{revision("a", 1, `{}`, content("x")), revision("b", 1, `{}`, content("x"))}
		}, true},
		{"a content that goes again", nil, 900, func(content func(string) couch.Attachment) []*couch.Document {
			return []*couch.Document{revision("a", 1, `{}`, content("x")), revision("a", 2, `{}`), revision("b", 1, `{}`, content("y"))}
		}, true},
		{"a text that gets shorter once", func(func(string) couch.Attachment) []*couch.Document {
			return []*couch.Document{revision("a", 1, long)}
		}, 0, func(func(string) couch.Attachment) []*couch.Document {
			return []*couch.Document{revision("a", 2, `{}`), revision("a", 3, `{}`), revision("b", 1, long)}
		}, false},
		{"a content that goes, and comes back", func(content func(string) couch.Attachment) []*couch.Document {
			return []*couch.Document{revision("a", 1, `{}`, content("x"))}
		}, 300, func(content func(string) couch.Attachment) []*couch.Document {
			return []*couch.Document{revision("a", 2, `{}`), revision("b", 1, `{}`, content("x")), revision("c", 1, `{}`, content("y"))}
		}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t)
			db := b.create("db")
			content := func(s string) couch.Attachment { return blob(t, db, "a", "text/plain", strings.Repeat(s, 500)) }
			write := func(docs batch) error {
				_, err := db.PutRevs(t.Context(), storage.Docs(docs(content)...))
				return err
			}
			if tt.stored != nil {
				if err := write(tt.stored); err != nil {
					t.Fatal(err)
				}
			}
			if err := db.SetQuota(t.Context(), used(t, db)+tt.room); err != nil {
				t.Fatal(err)
			}
			before := feed(t, db, couch.ChangesOptions{})
			b.store.LimitBatches(0, 1)
			err := write(tt.docs)
			if tt.fits && err != nil || !tt.fits && !errors.Is(err, couch.ErrOverQuota) {
				t.Errorf("%v", err)
			}
			if diff := cmp.Diff(before, feed(t, db, couch.ChangesOptions{})); !tt.fits && diff != "" {
				t.Errorf("changes though it was refused (-before +after):\n%s", diff)
			}
		})
	}
}

// Deletions pass a quota also where they are new leaves: of documents that are not
// known, and of branches.
func TestQuotaPassesDeletions(t *testing.T) {
	b := newBench(t)
	db := b.create("db")
	mustPut(t, db, "doc", "", `{"text":"some"}`)
	if err := db.SetQuota(t.Context(), 10); err != nil {
		t.Fatal(err)
	}
	push(t, db, "unknown", true, 5, []string{"a"}, `{}`)
	push(t, db, "doc", true, 3, []string{"b"}, `{}`)
	if n := used(t, db); n != 15+2+2 {
		t.Errorf("%d bytes are used", n)
	}
	// Others do not pass beside them, nor one that says more than before.
	deletion, edit := document(t, "more", `{}`), document(t, "new", `{}`)
	deletion.Deleted, deletion.Revisions = true, couch.Revisions{Start: 2, Hashes: []string{"c"}}
	edit.Revisions = couch.Revisions{Start: 1, Hashes: []string{"d"}}
	telling := document(t, "telling", `{"text":"why"}`)
	telling.Deleted, telling.Revisions = true, couch.Revisions{Start: 2, Hashes: []string{"e"}}
	for _, docs := range [][]*couch.Document{{deletion, edit}, {telling}} {
		if _, err := db.PutRevs(t.Context(), storage.Docs(docs...)); !errors.Is(err, couch.ErrOverQuota) {
			t.Errorf("%s: %v", docs[len(docs)-1].ID, err)
		}
	}
	// What takes the place of a deletion counts by what it is longer.
	if err := db.SetQuota(t.Context(), 19+5); err != nil {
		t.Fatal(err)
	}
	push(t, db, "unknown", false, 6, []string{"f", "a"}, `{"a":1}`)
	if n := used(t, db); n != 24 {
		t.Errorf("%d bytes are used", n)
	}
}

// An upload needs room for all that it may become, beside the other uploads, and room
// for its content where a document takes it.
func TestQuotaOfUploads(t *testing.T) {
	b := newBench(t)
	db := b.create("db")
	rev := mustPut(t, db, "old", "", `{"text":"`+strings.Repeat("x", 89)+`"}`) // 100 bytes
	if err := db.SetQuota(t.Context(), 1100); err != nil {
		t.Fatal(err)
	}
	create := func(length int64) (couch.Upload, error) {
		return db.CreateUpload(t.Context(), couch.Upload{Owner: "ann", Length: length, Expires: time.Now().Add(time.Hour)})
	}
	first, err := create(600)
	if err != nil {
		t.Fatal(err)
	}
	for _, length := range []int64{401, 1001, 1 << 40} {
		if _, err := create(length); !errors.Is(err, couch.ErrOverQuota) {
			t.Errorf("%d bytes: %v", length, err)
		}
	}
	for _, length := range []int64{0, 400, 0} {
		if _, err := create(length); err != nil {
			t.Errorf("%d bytes: %v", length, err)
		}
	}
	if _, err := create(1); !errors.Is(err, couch.ErrOverQuota) {
		t.Errorf("beside the other uploads: %v", err)
	}
	if n := used(t, db); n != 100 {
		t.Errorf("%d bytes are used", n)
	}

	if first, err = db.AppendUpload(t.Context(), first, strings.NewReader(strings.Repeat("y", 600))); err != nil {
		t.Fatal(err)
	}
	take := func() couch.Attachment {
		p, err := db.TakeUpload(t.Context(), first.ID, "ann")
		if err != nil {
			t.Fatal(err)
		}
		return couch.Attachment{Name: "a", Length: p.Length(), Digest: p.Digest(), Pending: p}
	}
	rev = mustPut(t, db, "old", rev, `{"text":"`+strings.Repeat("x", 589)+`"}`) // 600 bytes
	doc := document(t, "new", `{}`)
	doc.Attachments = []couch.Attachment{take()}
	if _, err := db.BulkDocs(t.Context(), storage.Docs(doc)); !errors.Is(err, couch.ErrOverQuota) {
		t.Errorf("the document: %v", err)
	}
	mustPut(t, db, "old", rev, `{}`)
	mustPut(t, db, "new", "", `{}`, take()) // the upload has stayed
	if n := used(t, db); n != 604 {
		t.Errorf("%d bytes are used", n)
	}
}

// Of uploads that are made at once no more are than there is room for.
func TestQuotaOfUploadsAtOnce(t *testing.T) {
	b := newBench(t)
	db := b.create("db")
	if err := db.SetQuota(t.Context(), 1000); err != nil {
		t.Fatal(err)
	}
	var made atomic.Int32
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			_, err := db.CreateUpload(t.Context(), couch.Upload{Owner: "ann", Length: 300, Expires: time.Now().Add(time.Hour)})
			if err == nil {
				made.Add(1)
			} else if !errors.Is(err, couch.ErrOverQuota) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := made.Load(); n != 3 {
		t.Errorf("%d uploads of 300 bytes in 1000", n)
	}
}
