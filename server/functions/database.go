package functions

import (
	"context"
	"errors"
	"io"
	"iter"

	"settle/attachments"
	"settle/server/query"
	"settle/server/web"
	"settle/storage/couch"
	"settle/storage/design"
	"settle/storage/docjson"
)

// Database is what these endpoints need of a database. The storage package's Database
// is one; its comments say what the methods promise.
type Database interface {
	query.Database
	Info(ctx context.Context) (couch.DatabaseInfo, error)
	Security(ctx context.Context) ([]byte, error)
	BulkDocs(ctx context.Context, docs iter.Seq2[*couch.Document, error]) ([]couch.WriteResult, error)
	WriteBlob(ctx context.Context, r io.Reader, max int64) (*attachments.Pending, error)
}

// designOf opens the design document that the path names.
func (f *Functions) designOf(r *web.Request) (*design.Document, error) {
	id := couch.DocID(couch.DesignPrefix) + r.DocID("design")
	db := web.DatabaseOf[Database](r)
	doc, err := db.Get(r.Context(), id, couch.GetOptions{})
	if err != nil {
		return nil, err
	}
	return f.engine.Document(db.Whole().Incarnation(), docjson.AppendDocument(nil, doc, docjson.Print{}))
}

// document returns the text of a document, with its revisions; nil where the request
// names none, or one that is missing.
func document(r *web.Request, id couch.DocID) ([]byte, error) {
	if id == "" {
		return nil, nil
	}
	doc, err := web.DatabaseOf[Database](r).Get(r.Context(), id, couch.GetOptions{Revs: true})
	switch {
	case errors.Is(err, couch.ErrNotFound) || errors.Is(err, couch.ErrDeleted):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return docjson.AppendDocument(nil, doc, docjson.Print{Revs: true}), nil
}
