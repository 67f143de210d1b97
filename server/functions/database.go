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
	doc, err := web.DatabaseOf[Database](r).Get(r.Context(), id, couch.GetOptions{})
	if err != nil {
		return nil, err
	}
	d, err := f.engine.Document(docjson.AppendDocument(nil, doc, docjson.Print{}))
	return d, Describe(err)
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

// errorStatus are the answers to errors that design functions give names to. CouchDB
// answers 500 to most of them; here it is the function, and so the client's side, that
// is at fault.
var errorStatus = map[string]int{
	design.NotFound: 404, "forbidden": 403, "unauthorized": 401, "method_not_allowed": 405, "not_acceptable": 406,
	design.RewriteError: 404, design.CompilationError: 400, design.InvalidDesignDoc: 400, design.UnknownQueryLanguage: 400,
}

// functionFailed is the status for what a function throws that has none of its own.
const functionFailed = 422

// Describe makes of an error of a function the answer to the client; of others itself.
func Describe(err error) error {
	e, ok := errors.AsType[*design.Error](err)
	if !ok {
		return err
	}
	status, ok := errorStatus[e.Name]
	if !ok {
		status = functionFailed
	}
	return &web.Error{Status: status, Name: e.Name, Reason: e.Text()}
}
