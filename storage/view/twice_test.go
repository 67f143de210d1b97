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

// busy is a database that is written to while its changes are read.
type busy struct {
	*storage.Database
	write func()
}

func (d busy) Changes(ctx context.Context, o couch.ChangesOptions) iter.Seq2[couch.Change, error] {
	write := sync.OnceFunc(d.write)
	return func(yield func(couch.Change, error) bool) {
		for change, err := range d.Database.Changes(ctx, o) {
			if !yield(change, err) {
				return
			}
			write()
		}
	}
}

// A document that changes while an index is built comes in the feed at its old place and
// at its new one.
func TestChangeDuringBuild(t *testing.T) {
	b := newBench(t, false)
	var docs [][2]string
	for i := range 1500 {
		docs = append(docs, [2]string{fmt.Sprintf("d%04d", i), fmt.Sprintf(`{"n":%d}`, i)})
	}
	b.putNew(docs)
	d := joinDefinition("n")
	db := busy{b.db, func() { b.put([2]string{"d0000", `{"n":5000}`}, [2]string{"d0001", ""}) }}
	ix, err := b.indexes.Open(db, d, "_design/test")
	if err == nil {
		err = ix.Update(ctx)
	}
	if err != nil {
		t.Fatal(err)
	}
	q := all()
	q.Update = view.UpdateFalse
	if got := len(b.query(d, view.Ref{Reduce: -1}, q).rows); got != 1499 {
		t.Errorf("%d rows of 1499 documents", got)
	}
	m := newModel(b, d, 0)
	m.check(b, d, view.Ref{Reduce: -1}, q)
	m.check(b, d, view.Ref{}, q)
}
