package users

import (
	"context"
	"errors"

	"settle/storage"
	"settle/storage/couch"
)

// Store makes databases; *storage.Store does.
type Store interface {
	Databases
	CreateDatabase(ctx context.Context, name string, o storage.CreateOptions) (*storage.Database, error)
}

// authDesign is the design document that clients expect. Its function checks
// nothing: settle does, whether the document is there or not.
const authDesign = `{"language":"javascript","validate_doc_update":"function (newDoc, oldDoc, userCtx, secObj) { /* the server itself checks users' documents */ }"}`

// Create makes the database, and the design document `_auth` in it, where they
// are missing. After a crash it goes on where it was.
func Create(ctx context.Context, store Store) error {
	db, err := store.Database(ctx, DatabaseName)
	if errors.Is(err, couch.ErrDatabaseMissing) {
		db, err = store.CreateDatabase(ctx, DatabaseName, storage.CreateOptions{})
	}
	if err != nil {
		return err
	}
	const id = couch.DesignPrefix + "_auth"
	if _, err := db.Get(ctx, id, couch.GetOptions{}); err == nil || !isMissing(err) {
		return err
	}
	body, err := bodyOf([]byte(authDesign))
	if err != nil {
		return err
	}
	results, err := db.BulkDocs(ctx, only(&couch.Document{ID: id, Body: body}))
	if err != nil {
		return err
	}
	return results[0].Err
}

func isMissing(err error) bool { return unlessMissing(err) == nil }
