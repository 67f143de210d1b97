package storage

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"settle/storage/couch"
	"settle/storage/kv"
	"settle/storage/schema"
)

// CreateOptions are the properties that a database keeps for life.
type CreateOptions struct {
	Partitioned bool
}

// CreateDatabase makes an empty database. Errors: IllegalDatabaseName,
// ErrDatabaseExists. After a crash, or an unknown outcome, the database is there or it is
// not; what was made of it before its row in the directory is removed by the next Open.
func (s *Store) CreateDatabase(ctx context.Context, name string, o CreateOptions) (*Database, error) {
	if err := couch.ValidateDatabaseName(name); err != nil {
		return nil, err
	}
	rec := schema.DBRecord{Created: time.Now().UnixMicro(), Partitioned: o.Partitioned}
	rand.Read(rec.Incarnation[:])
	key, err := s.directory.Create(ctx, name, &rec)
	if err != nil {
		if rec.Partition != (kv.Partition{}) && !errors.Is(err, kv.ErrUnknownOutcome) { // then it may exist
			s.remove(context.WithoutCancel(ctx), rec.Partition)
		}
		return nil, schema.DomainError(err)
	}
	s.tell(DatabaseCreated, name)
	return s.open.put(s.newDatabase(name, rec, key)), nil
}
