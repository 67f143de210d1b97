package storage

import (
	"context"
	"crypto/rand"
	"time"

	"settle/storage/couch"
	"settle/storage/crypt"
	"settle/storage/kv"
	"settle/storage/schema"
)

// CreateOptions are the properties that a database keeps for life.
type CreateOptions struct {
	Partitioned bool
}

// CreateDatabase makes an empty database. Errors: IllegalDatabaseName,
// ErrDatabaseExists. After a crash the database is there or it is not; what was
// made of it before its row in the directory is removed by the next Open.
func (s *Store) CreateDatabase(ctx context.Context, name string, o CreateOptions) (*Database, error) {
	if err := couch.ValidateDatabaseName(name); err != nil {
		return nil, err
	}
	rec := schema.DBRecord{Created: time.Now().UnixMicro(), Partitioned: o.Partitioned}
	rand.Read(rec.Incarnation[:])
	if err := s.reserve(ctx, name, &rec); err != nil {
		return nil, schema.DomainError(err)
	}
	key, err := s.makeKey(ctx, rec.Partition)
	if err == nil {
		err = s.makeRows(ctx, rec.Partition)
	}
	if err == nil {
		err = s.enter(ctx, name, rec)
	}
	if err != nil {
		s.remove(context.WithoutCancel(ctx), rec.Partition)
		return nil, schema.DomainError(err)
	}
	s.tell(DatabaseCreated, name)
	return s.open.put(s.newDatabase(name, rec, key)), nil
}

// reserve gives the database a partition number of its own and marks it unready.
func (s *Store) reserve(ctx context.Context, name string, rec *schema.DBRecord) error {
	return s.kv.Update(ctx, schema.DirectoryPartition, func(tx kv.Tx) error {
		row, err := getOne(ctx, tx, schema.NameKey(name))
		if err != nil {
			return err
		}
		if row != nil {
			return couch.ErrDatabaseExists
		}
		rec.Partition, err = takePartition(ctx, tx, schema.Unready{})
		return err
	})
}

// takePartition gives out the next partition number, in a transaction of the
// directory, which marks it unready.
func takePartition(ctx context.Context, tx kv.Tx, mark schema.Unready) (p kv.Partition, err error) {
	row, err := getOne(ctx, tx, schema.CounterKey())
	if err != nil {
		return p, err
	}
	n := uint64(schema.FirstDatabase)
	if row != nil {
		last, err := schema.DecodeCounter(row)
		if err != nil {
			return p, err
		}
		n = last + 1
	}
	p = schema.Partition(n)
	tx.Set(schema.CounterKey(), schema.EncodeCounter(n))
	tx.Set(schema.UnreadyKey(p), mark.Encode())
	return p, nil
}

func (s *Store) makeKey(ctx context.Context, p kv.Partition) (*crypt.DatabaseKey, error) {
	key, wrapped, err := s.keyring.NewDatabaseKey(crypt.DatabaseID(p))
	if err != nil {
		return nil, err
	}
	err = s.kv.Update(ctx, schema.KeysPartition, func(tx kv.Tx) error {
		tx.Set(p[:], wrapped)
		return nil
	})
	return key, err
}

func (s *Store) makeRows(ctx context.Context, p kv.Partition) error {
	return s.kv.Update(ctx, p, func(tx kv.Tx) error {
		m := schema.Meta{RevsLimit: schema.DefaultRevsLimit, PurgeLimit: schema.DefaultPurgeLimit}
		tx.Set(schema.MetaKey(), m.Encode())
		return nil
	})
}

// enter makes the database exist, unless another of its name came first.
func (s *Store) enter(ctx context.Context, name string, rec schema.DBRecord) error {
	return s.kv.Update(ctx, schema.DirectoryPartition, func(tx kv.Tx) error {
		row, err := getOne(ctx, tx, schema.NameKey(name))
		if err != nil {
			return err
		}
		if row != nil {
			return couch.ErrDatabaseExists
		}
		tx.Set(schema.NameKey(name), rec.Encode())
		tx.Delete(schema.UnreadyKey(rec.Partition))
		return nil
	})
}
