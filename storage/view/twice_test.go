package view_test

import (
	"context"
	"fmt"
	"iter"
	"sync"
	"testing"

	"settle/storage"
	"settle/storage/couch"
	"settle/storage/view"
)

// busy is a database that is written to while its documents are read, behind the first.
type busy struct {
	*storage.Database
	write func()
}

func (d busy) Changes(ctx context.Context, o couch.ChangesOptions) iter.Seq2[couch.Change, error] {
	return writing(d.Database.Changes(ctx, o), d.write)
}

func (d busy) AllDocs(ctx context.Context, o couch.AllDocsOptions) iter.Seq2[couch.AllDocsRow, error] {
	return writing(d.Database.AllDocs(ctx, o), d.write)
}

func writing[T any](seq iter.Seq2[T, error], write func()) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for v, err := range seq {
			if !yield(v, err) {
				return
			}
			write()
		}
	}
}

// A document that changes while an index is built, behind the place that the build has
// reached or in front of it, is in the index once, and as it is now; so it is with one that
// changes while an index is brought up to date, which comes in the feed twice.
func TestChangeDuringUpdate(t *testing.T) {
	for _, built := range []bool{false, true} {
		t.Run(fmt.Sprint("built before: ", built), func(t *testing.T) {
			b := newBench(t, false)
			d := joinDefinition("n")
			b.putNew(numbered(0, 1500))
			if built {
				b.query(d, view.Ref{Reduce: -1}, all())
				b.putNew(numbered(1500, 3000))
			}
			write := func() {
				b.put([2]string{"d0000", `{"n":5000}`}, [2]string{"d0001", ""}, [2]string{"d1499", `{"n":6000}`}, [2]string{"d1498", ""})
				b.put([2]string{"a", `{"n":7000}`}, [2]string{"e", `{"n":8000}`})
			}
			ix, err := b.indexes.Open(busy{b.db, sync.OnceFunc(write)}, d, "_design/test")
			if err == nil {
				err = ix.Update(ctx)
			}
			if err != nil {
				t.Fatal(err)
			}
			q := all()
			q.Update = view.UpdateFalse
			m := newModel(b, d, 0)
			m.check(b, d, view.Ref{Reduce: -1}, q)
			m.check(b, d, view.Ref{}, q)
		})
	}
}

// numbered returns documents with numbers.
func numbered(from, to int) (docs [][2]string) {
	for n := from; n < to; n++ {
		docs = append(docs, [2]string{fmt.Sprintf("d%04d", n), fmt.Sprintf(`{"n":%d}`, n)})
	}
	return docs
}
