package find

import (
	"context"
	"errors"
	"iter"

	"settle/storage"
	"settle/storage/couch"
	"settle/storage/mango"
)

// Database is what these endpoints need of a database. The storage package's
// Database is one; its comments say what the methods promise.
type Database interface {
	Name() string
	Partitioned() bool
	AllDocs(ctx context.Context, o couch.AllDocsOptions) iter.Seq2[couch.AllDocsRow, error]
	AllDocsByID(ctx context.Context, ids []couch.DocID, o couch.AllDocsOptions) iter.Seq2[couch.AllDocsRow, error]
	Get(ctx context.Context, id couch.DocID, o couch.GetOptions) (*couch.Document, error)
	BulkDocs(ctx context.Context, docs iter.Seq2[*couch.Document, error]) ([]couch.WriteResult, error)
	// Whole is the database that indexes are made of.
	Whole() *storage.Database
}

// designs yields the design documents of a database.
func designs(ctx context.Context, db Database) iter.Seq2[*couch.Document, error] {
	return func(yield func(*couch.Document, error) bool) {
		first, behind := couch.DocID(couch.DesignPrefix), couch.DocID("_design0")
		o := couch.AllDocsOptions{Start: &first, End: &behind, ExclusiveEnd: true, Limit: -1, IncludeDocs: true}
		for row, err := range listed(ctx, db, o) {
			if !yield(row.Doc, err) || err != nil {
				return
			}
		}
	}
}

// errUnlisted is the error of a database that does not list its documents to
// somebody, as `_users` does not.
var errUnlisted = &couch.Error{Kind: couch.Unauthorized}

// listed is AllDocs, but that who may not list the documents finds none, as in
// CouchDB.
func listed(ctx context.Context, db Database, o couch.AllDocsOptions) iter.Seq2[couch.AllDocsRow, error] {
	return func(yield func(couch.AllDocsRow, error) bool) {
		for row, err := range db.AllDocs(ctx, o) {
			if errors.Is(err, errUnlisted) || !yield(row, err) || err != nil {
				return
			}
		}
	}
}

// indexesOf returns the indexes of a database's design documents.
func indexesOf(ctx context.Context, db Database) ([]*mango.Index, error) {
	var all []*mango.Index
	for doc, err := range designs(ctx, db) {
		if err != nil {
			return nil, err
		}
		all = append(all, mango.Indexes(doc.ID, doc.Body.Text, db.Partitioned())...)
	}
	return all, nil
}
