package peruser

import (
	"context"
	"errors"

	"settle/server/auth"
	"settle/storage"
	"settle/storage/couch"
)

// provide makes a user's database where it is missing, and the user one of its
// administrators and members. Until the latter it is open to server administrators
// only.
func (f *Follower) provide(ctx context.Context, name, user string) error {
	db, err := f.Store.Database(ctx, name)
	if errors.Is(err, couch.ErrDatabaseMissing) {
		db, err = f.Store.CreateDatabase(ctx, name, storage.CreateOptions{})
	}
	if err != nil {
		return err
	}
	return editSecurity(ctx, db, func(text []byte) ([]byte, error) { return withUser(text, user) })
}

// release takes a user who is gone out of the lists of the database, where it is
// still there.
func (f *Follower) release(ctx context.Context, name, user string) error {
	db, err := f.Store.Database(ctx, name)
	if err != nil {
		return unlessMissing(err)
	}
	return unlessMissing(editSecurity(ctx, db, func(text []byte) ([]byte, error) { return withoutUser(text, user) }))
}

// editSecurity changes a database's security object; edit returns nil where
// nothing is to be changed.
func editSecurity(ctx context.Context, db *storage.Database, edit func([]byte) ([]byte, error)) error {
	text, err := db.Security(ctx)
	if err != nil {
		return err
	}
	if text == nil {
		text = []byte(auth.DefaultSecurity)
	}
	changed, err := edit(text)
	if err != nil { // stored, so it was in order once
		return &couch.Error{Kind: couch.Corrupt, Reason: "The stored security object is damaged.", Err: err}
	}
	if changed == nil {
		return nil
	}
	return db.SetSecurity(ctx, changed)
}
