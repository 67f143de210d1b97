package replicator_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"

	"settle/replication"
	"settle/replication/sidetest"
	"settle/server/config"
	"settle/server/replicator"
	"settle/storage"
	"settle/storage/couch"
	"settle/storage/design"
	"settle/storage/storagetest"
)

// newReplicator returns a replicator of a store's, whose users may do everything.
func newReplicator(t *testing.T, store *storage.Store) *replicator.Replicator {
	t.Helper()
	conf, err := config.Open(t.Context(), store)
	if err != nil {
		t.Fatal(err)
	}
	functions := design.New(design.Options{})
	t.Cleanup(func() { functions.Close() })
	r := replicator.New(replicator.Options{
		Store: store, Config: conf, Functions: functions, Logger: slog.New(slog.DiscardHandler),
		Find: func(ctx context.Context, name string, _ couch.UserCtx) (replication.Database, error) {
			return store.Database(ctx, name)
		},
	})
	t.Cleanup(r.Close)
	return r
}

// A database of the server is a Source and a Target.
func TestLocalSides(t *testing.T) {
	r, made := newReplicator(t, storagetest.Open(t)), 0
	sidetest.Run(t, func(*testing.T) sidetest.Side {
		made++
		return r.Local(fmt.Sprint("db", made))
	})
}
