package functions

import (
	"context"
	"errors"

	"settle/storage/couch"
)

// localDatabase is what is needed of a database's local documents.
type localDatabase interface {
	GetLocal(ctx context.Context, id couch.DocID) (*couch.LocalDocument, error)
	PutLocal(ctx context.Context, doc *couch.LocalDocument) (uint64, error)
	DeleteLocal(ctx context.Context, id couch.DocID) error
}

// writeLocal stores a local document, or removes it, and returns its new revision.
// There are no conflicts, and no attachments.
func writeLocal(ctx context.Context, db localDatabase, doc *couch.Document) (string, error) {
	given, err := doc.Revisions.LocalRev()
	if err != nil {
		return "", err
	}
	if doc.Deleted {
		if err := db.DeleteLocal(ctx, doc.ID); err != nil && !errors.Is(err, couch.ErrNotFound) {
			return "", err
		}
		return couch.FormatLocalRev(0), nil
	}
	rev, err := db.PutLocal(ctx, &couch.LocalDocument{ID: doc.ID, Rev: given, Body: doc.Body})
	return couch.FormatLocalRev(rev), err
}
