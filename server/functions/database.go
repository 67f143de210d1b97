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
	localDatabase
	Info(ctx context.Context) (couch.DatabaseInfo, error)
	Security(ctx context.Context) ([]byte, error)
	BulkDocs(ctx context.Context, docs iter.Seq2[*couch.Document, error]) ([]couch.WriteResult, error)
	WriteBlob(ctx context.Context, r io.Reader, max int64) (*attachments.Pending, error)
}

// designOf opens the design document that the path names, and returns its revision.
func (f *Functions) designOf(r *web.Request) (*design.Document, couch.RevID, error) {
	doc, err := storedDesign(r)
	if err != nil {
		return nil, couch.RevID{}, err
	}
	db := web.DatabaseOf[Database](r)
	d, err := f.engine.Document(db.Whole().Incarnation(), docjson.AppendDocument(nil, doc, docjson.Print{}))
	return d, doc.Rev(), err
}

// storedDesign reads the design document that the path names.
func storedDesign(r *web.Request) (*couch.Document, error) {
	id := couch.DocID(couch.DesignPrefix) + r.DocID("design")
	return web.DatabaseOf[Database](r).Get(r.Context(), id, couch.GetOptions{})
}

// document returns the text of a document, with its revisions and conflicts; nil where
// the request names none, or one that is missing.
func document(r *web.Request, id couch.DocID) ([]byte, error) {
	if id == "" {
		return nil, nil
	}
	text, err := read(r.Context(), web.DatabaseOf[Database](r), id)
	if errors.Is(err, couch.ErrNotFound) || errors.Is(err, couch.ErrDeleted) {
		return nil, nil
	}
	return text, err
}

func read(ctx context.Context, db Database, id couch.DocID) ([]byte, error) {
	if id.IsLocal() {
		doc, err := db.GetLocal(ctx, id)
		if err != nil {
			return nil, err
		}
		return docjson.AppendLocalDocument(nil, doc, true), nil
	}
	doc, err := db.Get(ctx, id, couch.GetOptions{Revs: true, Conflicts: true})
	if err != nil {
		return nil, err
	}
	return docjson.AppendDocument(nil, design.Shown(doc), docjson.Print{Revs: true}), nil
}
