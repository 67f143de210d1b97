package view

import (
	"context"
	"iter"
	"strings"

	"settle/storage/collate/jsonscan"
	"settle/storage/couch"
	"settle/storage/schema"
)

// Design is a design document, as far as its views go.
type Design struct {
	ID         couch.DocID
	Definition *Definition
	Views      map[string]Ref // by name
	AutoUpdate bool           // its index is to follow the database by itself
}

// Designs yields the design documents of a database that have views.
func Designs(ctx context.Context, db Database) iter.Seq2[Design, error] {
	return func(yield func(Design, error) bool) {
		first := couch.DocID(couch.DesignPrefix)
		last := couch.DocID(schema.PrefixEnd([]byte(first)))
		o := couch.AllDocsOptions{Start: &first, End: &last, ExclusiveEnd: true, Limit: -1, IncludeDocs: true}
		for row, err := range db.AllDocs(ctx, o) {
			if err != nil {
				yield(Design{}, err)
				return
			}
			if row.Doc == nil {
				continue
			}
			d := NewDesign(row.ID, row.Doc.Body.Text, db.Partitioned())
			if len(d.Definition.Views) > 0 && !yield(d, nil) {
				return
			}
		}
	}
}

// NewDesign reads a design document, as ParseDesign does.
func NewDesign(id couch.DocID, text []byte, partitioned bool) Design {
	d := Design{ID: id, AutoUpdate: jsonscan.KindOf(jsonscan.Member(text, "autoupdate")) != jsonscan.False}
	d.Definition, d.Views = ParseDesign(text, partitioned)
	return d
}

// UpdateAllLater lets the indexes of all design documents that want it be brought up
// to date in the background. Errors are the database's; functions that are not there
// count as nothing.
func (x *Indexes) UpdateAllLater(ctx context.Context, db Database) error {
	for d, err := range Designs(ctx, db) {
		if err != nil {
			return err
		}
		if !d.AutoUpdate {
			continue
		}
		ix, err := x.Open(db, d.Definition, d.ID)
		if err != nil {
			continue
		}
		if err := ix.UpdateLater(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Cleanup drops the indexes that no design document of the database uses. One that was
// dropped and is asked for again is made anew. Errors are the database's.
func (x *Indexes) Cleanup(ctx context.Context, db Database) error {
	// Listed first: an index that comes later may be of a design document that is not read.
	var names []string
	for name, err := range db.Indexes(ctx) {
		if err != nil {
			return err
		}
		names = append(names, name)
	}
	used := make(map[string]bool)
	for d, err := range Designs(ctx, db) {
		if err != nil {
			return err
		}
		used[d.Definition.Signature()] = true
	}
	for _, name := range names {
		signature, ok := strings.CutPrefix(name, indexPrefix)
		if !ok || used[signature] {
			continue
		}
		if err := db.DropIndex(ctx, name); err != nil {
			return err
		}
		x.mu.Lock()
		delete(x.open, indexID{db.Incarnation(), signature})
		x.mu.Unlock()
	}
	return nil
}
