package users

import (
	"context"
	"errors"

	"settle/server/auth"
	"settle/storage"
	"settle/storage/couch"
)

// Databases finds databases; *storage.Store does.
type Databases interface {
	Database(ctx context.Context, name string) (*storage.Database, error)
}

// Source looks users up in `_users`, anew each time. It implements [auth.Users].
type Source struct{ Databases Databases }

var _ auth.Users = Source{}

// User returns the user of a name, nil where there is none.
func (s Source) User(ctx context.Context, name string) (*auth.User, error) {
	db, err := s.Databases.Database(ctx, DatabaseName)
	if err != nil {
		return nil, unlessMissing(err)
	}
	doc, err := db.Get(ctx, couch.DocID(idPrefix+name), couch.GetOptions{Conflicts: true})
	if err != nil {
		return nil, unlessMissing(err)
	}
	m, err := parseMembers(doc.Body)
	if err != nil {
		return nil, err
	}
	u := m.user(name)
	if u != nil {
		u.Rev, u.Conflicted = doc.Rev(), len(doc.Conflicts) > 0
	}
	return u, nil
}

// unlessMissing returns nil for an error that says that there is no such user.
func unlessMissing(err error) error {
	for _, missing := range []error{couch.ErrNotFound, couch.ErrDeleted, couch.ErrDatabaseMissing} {
		if errors.Is(err, missing) {
			return nil
		}
	}
	return err
}

// Rehash stores another hash of a user's password. See [auth.Users].
func (s Source) Rehash(ctx context.Context, u *auth.User, hash auth.Hash) error {
	db, err := s.Databases.Database(ctx, DatabaseName)
	if err != nil {
		return err
	}
	doc, err := db.Get(ctx, couch.DocID(idPrefix+u.Name), couch.GetOptions{Rev: u.Rev})
	if err != nil {
		return unlessMissing(err)
	}
	if doc.Body, err = withHash(doc.Body, hash); err != nil {
		return err
	}
	for i := range doc.Attachments {
		doc.Attachments[i].Stub = true
	}
	results, err := db.BulkDocs(ctx, only(doc))
	if err == nil {
		err = results[0].Err
	}
	if errors.Is(err, couch.ErrConflict) {
		return nil
	}
	return err
}
