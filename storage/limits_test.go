package storage_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"settle/storage"
	"settle/storage/couch"
)

// A revision that is stored already, sent again after the limit was lowered, cuts
// the history with all that belongs to it.
func TestKnownRevisionAfterLimitWasLowered(t *testing.T) {
	b := newBench(t)
	db := b.create("alpha")
	rev := ""
	for range 10 {
		rev = mustPut(t, db, "d", rev, `{"v":1}`, blob(t, db, "x", "text/plain", "content "+rev))
	}
	if err := db.SetRevsLimit(context.Background(), 2); err != nil {
		t.Fatal(err)
	}
	seq, _ := db.UpdateSeq(context.Background())
	known := couch.PathTo(parseRev(t, rev))
	push(t, db, "d", false, known.Start, known.Hashes, `{"v":1}`)
	if c := b.check(); c.Revisions != 2 || c.Blobs != 2 {
		t.Errorf("%d revisions and %d blobs are stored, want 2 and 2", c.Revisions, c.Blobs)
	}
	// The cut is a change; the same again is none.
	push(t, db, "d", false, known.Start, known.Hashes, `{"v":1}`)
	if now, _ := db.UpdateSeq(context.Background()); now != seq+1 {
		t.Errorf("the sequence went from %d to %d", seq, now)
	}
}

// A client that goes away while its database is dropped leaves nothing of it.
func TestDropSurvivesItsRequest(t *testing.T) {
	for after := range 6 {
		b := newBench(t)
		db := b.create("alpha")
		mustPut(t, db, "d", "", `{}`)
		ctx := &fading{Context: context.Background(), left: after}
		err := b.store.DropDatabase(ctx, "alpha")
		b.store.WaitForBackground()
		_, gone := b.store.Database(context.Background(), "alpha")
		_, there := db.Info(context.Background())
		if (gone == nil) != (there == nil) {
			t.Errorf("ended after %d looks (%v): the directory says %v, the database %v", after, err, gone, there)
		}
	}
}

// fading is a context that ends when it has been asked a number of times.
type fading struct {
	context.Context
	left int
}

func (f *fading) Err() error {
	if f.left--; f.left < 0 {
		return context.Canceled
	}
	return nil
}

// Large documents are read a few at a time.
func TestLargeDocumentsInPortions(t *testing.T) {
	db := newBench(t).create("alpha")
	text := `{"a":"` + strings.Repeat("x", 4<<20) + `"}`
	for i := range 30 {
		mustPut(t, db, fmt.Sprintf("d%02d", i), "", text)
	}
	var before, now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	rows := 0
	for c, err := range db.Changes(context.Background(), couch.ChangesOptions{IncludeDocs: true}) {
		if err != nil || len(c.Doc.Body.Text) != len(text) {
			t.Fatalf("row %d: %v", rows, err)
		}
		if rows++; rows == 15 {
			runtime.GC()
			runtime.ReadMemStats(&now)
		}
	}
	if grown := int64(now.HeapAlloc) - int64(before.HeapAlloc); rows != 30 || grown > 40<<20 {
		t.Errorf("%d rows, and the heap has grown by %d MB in the midst of them", rows, grown>>20)
	}
}

// Many parents of one revision, and many leaves of one document, take no more
// than their share of time.
func TestManyParentsAndLeaves(t *testing.T) {
	db := newBench(t).create("alpha")
	var docs []*couch.Document
	for i := range 5000 {
		parents, leaves := document(t, "parents", `{}`), document(t, "leaves", `{}`)
		parents.Revisions = couch.Revisions{Start: 2, Hashes: []string{"child", fmt.Sprint("parent", i)}}
		leaves.Revisions = couch.Revisions{Start: 1, Hashes: []string{fmt.Sprint("leaf", i)}}
		docs = append(docs, parents, leaves)
	}
	if _, err := db.PutRevs(context.Background(), storage.Docs(docs...)); err != nil {
		t.Fatal(err)
	}
	diff, err := db.RevsDiff(context.Background(), []couch.RevsAsk{{ID: "parents", Revs: []couch.RevID{parseRev(t, "1-parent4999"), parseRev(t, "1-none")}}})
	if err != nil || len(diff) != 1 || len(diff[0].Missing) != 1 {
		t.Errorf("got %v, %v", diff, err)
	}
}
