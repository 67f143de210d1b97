package server

import (
	"context"
	"errors"

	"settle/replication"
	"settle/server/auth"
	"settle/server/node"
	"settle/server/replicator"
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
			db, rights, err := access(ctx, found, user)
			if err != nil {
				return nil, err
			}
			if err := rights.Role.Demand(auth.Reader, user); err != nil {
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

// withReplications tells of replications among the tasks.
type withReplications struct {
	node.Store
	replicator *replicator.Replicator
}

// TaskRows returns the rows of the replications that run.
func (w withReplications) TaskRows() []any { return w.replicator.Tasks() }
