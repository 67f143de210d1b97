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

// panickyFeed is a database whose feed panics behind so many changes.
type panickyFeed struct {
	*storage.Database
	behind int
}

func (db panickyFeed) Changes(ctx context.Context, o couch.ChangesOptions) iter.Seq2[couch.Change, error] {
	return func(yield func(couch.Change, error) bool) {
		n := 0
		for change, err := range db.Database.Changes(ctx, o) {
			if n++; n > db.behind {
				panic("test")
			}
			if !yield(change, err) {
				return
			}
		}
	}
}

// A panic where the feed is read fails the update alone, and the next one goes on.
func TestPanicOfFeed(t *testing.T) {
	for _, behind := range []int{0, 2} {
		b := newBench(t, false)
		b.put([2]string{"a", `{"n":1}`}, [2]string{"b", `{"n":2}`}, [2]string{"c", `{"n":3}`})
		d := joinDefinition("n")
		broken := view.New(view.Options{Functions: testFunctions{}})
		ix, err := broken.Open(panickyFeed{b.db, behind}, d, "_design/d")
		if err != nil {
			t.Fatal(err)
		}
		if err := ix.Update(ctx); !errors.Is(err, &couch.Error{Kind: couch.Internal}) {
			t.Errorf("behind %d changes: %v", behind, err)
		}
		if err := broken.Close(); err != nil {
			t.Fatal(err)
		}
		if got := keysOf(b.query(d, view.Ref{Reduce: -1}, all()).rows); got != "1 2 3" {
			t.Errorf("behind %d changes, the next update: %q", behind, got)
		}
	}
}
