// Package webtest gives tests of the endpoint families what a server needs to serve them.
package webtest

import (
	"context"
	"log/slog"
	"net/http"

	"settle/server/auth"
	"settle/server/web"
	"settle/storage"
	"settle/storage/couch"
)

// Options are those of a server that takes everybody for the administrator "admin", bounds
// nothing and logs nothing. find looks databases up by their names.
func Options(find func(ctx context.Context, name string) (web.Database, error)) web.Options {
	return web.Options{
		Authenticate: func(*http.Request) (auth.Session, error) {
			return auth.Session{User: couch.UserCtx{Name: "admin", Roles: []string{couch.AdminRole}}, Handler: "default"}, nil
		},
		FindDatabase: find,
		Limits:       func() couch.Limits { return couch.Limits{} },
		Draining:     make(chan struct{}),
		ServerName:   "CouchDB/3.5.0 (settle)",
		Logger:       slog.New(slog.DiscardHandler),
	}
}

// In finds the databases of a store.
func In(store *storage.Store) func(ctx context.Context, name string) (web.Database, error) {
	return func(ctx context.Context, name string) (web.Database, error) {
		db, err := store.Database(ctx, name)
		if err != nil {
			return nil, err
		}
		return db, nil
	}
}
