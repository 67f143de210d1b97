package metaview

import (
	"context"
	"iter"

	"settle/storage"
	"settle/storage/couch"
)

// Database is a database in one of its views. It has the methods of the database
// that it stands on; those that write documents, and those about local documents,
// are its own.
type Database struct {
	*storage.Database
	metadata bool
}

// Ordinary returns the ordinary view of a database.
func Ordinary(db *storage.Database) *Database { return &Database{Database: db} }

// Metadata returns the metadata view of a database.
func Metadata(db *storage.Database) *Database { return &Database{Database: db, metadata: true} }

// form returns the form that the view gives to documents, nil for none. It is read
// anew for each call, so that a new limit counts at once.
func (db *Database) form(ctx context.Context) (couch.Form, error) {
	if !db.metadata {
		return nil, nil
	}
	o, err := db.MetadataOptions(ctx)
	if err != nil {
		return nil, err
	}
	return NewForm(o.InlineMax), nil
}

// Get reads a document. See [storage.Database.Get].
func (db *Database) Get(ctx context.Context, id couch.DocID, o couch.GetOptions) (*couch.Document, error) {
	doc, err := db.Database.Get(ctx, id, o)
	if err == nil {
		doc.Form, err = db.form(ctx)
	}
	if err != nil {
		return nil, err
	}
	return doc, nil
}

// OpenRevs reads several revisions. See [storage.Database.OpenRevs].
func (db *Database) OpenRevs(ctx context.Context, id couch.DocID, o couch.OpenRevsOptions, g couch.GetOptions) ([]couch.OpenRev, error) {
	revs, err := db.Database.OpenRevs(ctx, id, o, g)
	if err != nil {
		return nil, err
	}
	form, err := db.form(ctx)
	if err != nil {
		return nil, err
	}
	for _, rev := range revs {
		if rev.Doc != nil {
			rev.Doc.Form = form
		}
	}
	return revs, nil
}

// AllDocs lists documents. See [storage.Database.AllDocs].
func (db *Database) AllDocs(ctx context.Context, o couch.AllDocsOptions) iter.Seq2[couch.AllDocsRow, error] {
	return formed(ctx, db, o.IncludeDocs, db.Database.AllDocs(ctx, o), docOfRow)
}

// AllDocsByID lists documents. See [storage.Database.AllDocsByID].
func (db *Database) AllDocsByID(ctx context.Context, ids []couch.DocID, o couch.AllDocsOptions) iter.Seq2[couch.AllDocsRow, error] {
	return formed(ctx, db, o.IncludeDocs, db.Database.AllDocsByID(ctx, ids, o), docOfRow)
}

// Changes follows the changes. See [storage.Database.Changes].
func (db *Database) Changes(ctx context.Context, o couch.ChangesOptions) iter.Seq2[couch.Change, error] {
	return formed(ctx, db, o.IncludeDocs, db.Database.Changes(ctx, o), func(c couch.Change) *couch.Document { return c.Doc })
}

func docOfRow(row couch.AllDocsRow) *couch.Document { return row.Doc }

// formed yields rows whose documents have the view's form.
func formed[T any](ctx context.Context, db *Database, withDocs bool, rows iter.Seq2[T, error], doc func(T) *couch.Document) iter.Seq2[T, error] {
	if !db.metadata || !withDocs {
		return rows
	}
	return func(yield func(T, error) bool) {
		form, err := db.form(ctx)
		if err != nil {
			var none T
			yield(none, err)
			return
		}
		for row, err := range rows {
			if d := doc(row); d != nil {
				d.Form = form
			}
			if !yield(row, err) {
				return
			}
		}
	}
}
