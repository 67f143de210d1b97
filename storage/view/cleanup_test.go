package view_test

import (
	"context"
	"iter"
	"slices"
	"testing"

	"settle/storage"
	"settle/storage/couch"
	"settle/storage/view"
)

// followed is a database to which something happens when its documents have been read.
type followed struct {
	*storage.Database
	after func()
}

func (db followed) AllDocs(ctx context.Context, o couch.AllDocsOptions) iter.Seq2[couch.AllDocsRow, error] {
	return func(yield func(couch.AllDocsRow, error) bool) {
		for row, err := range db.Database.AllDocs(ctx, o) {
			if !yield(row, err) {
				return
			}
		}
		db.after()
	}
}

// The index of a design document that is written during a cleanup stays.
func TestCleanupLeavesNewIndexes(t *testing.T) {
	b := newBench(t, false)
	text := `{"language":"test","views":{"x":{"map":"n"}}}`
	d, _ := view.ParseDesign([]byte(text), false)
	unused := joinDefinition("id")
	b.query(unused, view.Ref{Reduce: -1}, all())
	db := followed{b.db, func() {
		b.put([2]string{"_design/new", text})
		b.query(d, view.Ref{Reduce: -1}, all())
	}}
	if err := b.indexes.Cleanup(ctx, db); err != nil {
		t.Fatal(err)
	}
	var names []string
	for name, err := range b.db.Indexes(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	if want := []string{"view/" + d.Signature()}; !slices.Equal(names, want) {
		t.Errorf("indexes %q are left, want %q", names, want)
	}
}
