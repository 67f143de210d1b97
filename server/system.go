package server

import (
	"context"
	"errors"
	"fmt"

	"settle/server/changes"
	"settle/server/dbupdates"
	"settle/server/users"
	"settle/storage"
	"settle/storage/couch"
)

// CreateSystemDatabases makes the databases that every CouchDB has, where they
// are missing: `_users` and `_replicator`.
func CreateSystemDatabases(ctx context.Context, store *storage.Store) error {
	if err := users.Create(ctx, store); err != nil {
		return fmt.Errorf("creating _users: %w", err)
	}
	_, err := store.CreateDatabase(ctx, "_replicator", storage.CreateOptions{})
	if err != nil && !errors.Is(err, couch.ErrDatabaseExists) {
		return fmt.Errorf("creating _replicator: %w", err)
	}
	return nil
}

// findUpdates looks up the database that `_db_updates` shows.
func findUpdates(store *storage.Store) func(context.Context) (changes.Database, error) {
	return func(ctx context.Context) (changes.Database, error) {
		db, err := store.Database(ctx, dbupdates.DatabaseName)
		if err != nil {
			return nil, err
		}
		return db, nil
	}
}
