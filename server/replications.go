package server

import (
	"context"
	"errors"

	"settle/replication"
	"settle/server/auth"
	"settle/server/node"
	"settle/server/replicator"
	"settle/storage"
	"settle/storage/couch"
	"settle/storage/metaview"
)

// newReplicator returns what replicates, which finds databases here with the rights of
// who asks for it.
func newReplicator(o Options) *replicator.Replicator {
	find, access := findDatabase(o.Store), accessTo(o, metaview.Ordinary)
	return replicator.New(replicator.Options{
		Store: o.Store, Config: o.Config, Functions: o.Functions, Logger: o.Logger, TLS: o.Certificate != nil,
		Find: func(ctx context.Context, name string, user couch.UserCtx) (replication.Database, error) {
			found, err := find(ctx, name)
			if err != nil {
				return nil, err
			}
			if err := demandReader(ctx, found.(*storage.Database), user); err != nil {
				return nil, err
			}
			db, _, err := access(ctx, found, user)
			if err != nil {
				return nil, err
			}
			local, ok := db.(replication.Database)
			if !ok {
				return nil, errors.New("server: a database cannot be replicated")
			}
			return local, nil
		},
	})
}

// demandReader refuses who may not read a database. The error is that of
// [auth.Role.Demand].
func demandReader(ctx context.Context, db *storage.Database, user couch.UserCtx) error {
	if (auth.Session{User: user}).IsServerAdmin() {
		return nil
	}
	text, err := db.Security(ctx)
	if err != nil {
		return err
	}
	security, err := auth.ParseSecurity(text)
	if err != nil { // stored, so it was in order once
		return &couch.Error{Kind: couch.Corrupt, Reason: "The stored security object is damaged.", Err: err}
	}
	return security.Role(user).Demand(auth.Reader, user)
}

// withReplications tells of replications among the tasks.
type withReplications struct {
	node.Store
	replicator *replicator.Replicator
}

// TaskRows returns the rows of the replications that run.
func (w withReplications) TaskRows() []any { return w.replicator.Tasks() }
