package view_test

import (
	"context"
	"errors"
	"iter"
	"testing"

	"settle/storage"
	"settle/storage/couch"
	"settle/storage/view"
)

// panicky is a database whose lists of documents panic behind so many.
type panicky struct {
	*storage.Database
	behind int
}

func (db panicky) Changes(ctx context.Context, o couch.ChangesOptions) iter.Seq2[couch.Change, error] {
	return panickingBehind(db.Database.Changes(ctx, o), db.behind)
}

func (db panicky) AllDocs(ctx context.Context, o couch.AllDocsOptions) iter.Seq2[couch.AllDocsRow, error] {
	return panickingBehind(db.Database.AllDocs(ctx, o), db.behind)
}

// panickingBehind is a sequence that panics behind so many.
func panickingBehind[T any](seq iter.Seq2[T, error], behind int) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		n := 0
		for v, err := range seq {
			if n++; n > behind {
				panic("test")
			}
			if !yield(v, err) {
				return
			}
		}
	}
}

// A panic where documents are read, all of them or those that have changed, fails the
// update alone, and the next one goes on.
func TestPanicOfReading(t *testing.T) {
	for _, behind := range []int{0, 2} {
		b := newBench(t, false)
		b.put([2]string{"a", `{"n":1}`}, [2]string{"b", `{"n":2}`}, [2]string{"c", `{"n":3}`})
		d := joinDefinition("n")
		failToUpdate(b, d, behind)
		if got := keysOf(b.query(d, view.Ref{Reduce: -1}, all()).rows); got != "1 2 3" {
			t.Errorf("behind %d documents, the next update: %q", behind, got)
		}
		b.put([2]string{"d", `{"n":4}`}, [2]string{"e", `{"n":5}`}, [2]string{"f", `{"n":6}`})
		failToUpdate(b, d, behind)
		if got := keysOf(b.query(d, view.Ref{Reduce: -1}, all()).rows); got != "1 2 3 4 5 6" {
			t.Errorf("behind %d changes, the next update: %q", behind, got)
		}
	}
}

// failToUpdate updates an index of a database that panics.
func failToUpdate(b *bench, d *view.Definition, behind int) {
	b.t.Helper()
	broken := view.New(view.Options{Functions: testFunctions{}})
	ix, err := broken.Open(panicky{b.db, behind}, d, "_design/d")
	if err != nil {
		b.t.Fatal(err)
	}
	if err := ix.Update(ctx); !errors.Is(err, &couch.Error{Kind: couch.Internal}) {
		b.t.Errorf("behind %d: %v", behind, err)
	}
	if err := broken.Close(); err != nil {
		b.t.Fatal(err)
	}
}
