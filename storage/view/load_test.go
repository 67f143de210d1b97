package view_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"

	"settle/storage"
	"settle/storage/couch"
	"settle/storage/view"
)

// halting is a database whose documents cannot all be read.
type halting struct {
	*storage.Database
	most   int           // so many documents can be read
	starts []couch.DocID // where readings began
}

var errHalt = errors.New("test: no further documents")

func (db *halting) AllDocs(ctx context.Context, o couch.AllDocsOptions) iter.Seq2[couch.AllDocsRow, error] {
	db.starts = append(db.starts, *o.Start)
	return func(yield func(couch.AllDocsRow, error) bool) {
		n := 0
		for row, err := range db.Database.AllDocs(ctx, o) {
			if n++; n > db.most {
				yield(couch.AllDocsRow{}, errHalt)
				return
			}
			if !yield(row, err) {
				return
			}
		}
	}
}

// A new index that is made in several runs has every document once, as it is at the end,
// whatever happens to documents in between: behind the place that the last run has
// reached, and in front of it.
func TestLoadGoesOn(t *testing.T) {
	const docs, perRun = 400, 120
	b := newBench(t, false)
	d := joinDefinition("n")
	d.Views[0].Reduces = []string{"_count"}
	body := func(n int) string { return fmt.Sprintf(`{"n":%d,"v":%q}`, n, strings.Repeat("v", 60_000)) }
	for n := range docs {
		b.put([2]string{fmt.Sprintf("d%03d", n), body(n)})
	}
	var starts []couch.DocID
	for run := range 3 {
		db := &halting{Database: b.db, most: perRun}
		ix, err := b.indexes.Open(db, d, "_design/test")
		if err != nil {
			t.Fatal(err)
		}
		if err := ix.Update(ctx); !errors.Is(err, errHalt) {
			t.Fatalf("run %d: %v", run, err)
		}
		starts = append(starts, db.starts...)
		info, err := ix.Info(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if done := int64(docs) - info.Pending; done <= 0 || done > int64(perRun*(run+1)) {
			t.Errorf("run %d: %d are pending", run, info.Pending)
		}
		at := 10 * run
		id := func(n int) string { return fmt.Sprintf("d%03d", n) }
		b.put([2]string{id(at), body(1000 + at)}, [2]string{id(at + 1), ""}, [2]string{id(at) + "new", body(2000 + at)})
		b.put([2]string{id(docs - 1 - at), body(3000 + at)}, [2]string{id(docs - 2 - at), ""}, [2]string{id(docs-1-at) + "new", body(4000 + at)})
		b.purge(id(at+2), id(docs-3-at))
		b.reopen()
	}
	for i, start := range starts {
		if i > 0 && start <= starts[i-1] {
			t.Errorf("run %d begins at %q, the one before at %q", i, start, starts[i-1])
		}
	}
	m := newModel(b, d, 0)
	m.check(b, d, view.Ref{Reduce: -1}, all())
	m.check(b, d, view.Ref{}, all())
	if found := b.check(); len(found) > 0 {
		t.Errorf("a check finds %q", found)
	}
}
