package storage

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"time"

	"settle/storage/couch"
	"settle/storage/crypt"
	"settle/storage/kv"
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
	rec := dbRecord{created: time.Now().UnixMicro(), partitioned: o.Partitioned}
	rand.Read(rec.incarnation[:])
	if err := s.reserve(ctx, name, &rec); err != nil {
		return nil, domainError(err)
	}
	key, err := s.makeKey(ctx, rec.partition)
	if err == nil {
		err = s.makeRows(ctx, rec.partition)
	}
	if err == nil {
		err = s.enter(ctx, name, rec)
	}
	if err != nil {
		s.remove(context.WithoutCancel(ctx), rec.partition)
		return nil, domainError(err)
	}
	return s.open.put(s.newDatabase(name, rec, key)), nil
}

// reserve gives the database a partition number of its own and marks it unready.
func (s *Store) reserve(ctx context.Context, name string, rec *dbRecord) error {
	return s.kv.Update(ctx, directoryPartition, func(tx kv.Tx) error {
		rows, err := tx.GetMulti(ctx, nameKey(name), []byte{dirCounter})
		if err != nil {
			return err
		}
		if rows[0] != nil {
			return couch.ErrDatabaseExists
		}
		n := uint64(firstDatabase)
		if rows[1] != nil {
			if len(rows[1]) != 8 {
				return corrupt("partition counter")
			}
			n = binary.BigEndian.Uint64(rows[1]) + 1
		}
		rec.partition = partition(n)
		tx.Set([]byte{dirCounter}, rec.partition[:])
		tx.Set(unreadyKey(rec.partition), nil)
		return nil
	})
}

func (s *Store) makeKey(ctx context.Context, p kv.Partition) (*crypt.DatabaseKey, error) {
	key, wrapped, err := s.keyring.NewDatabaseKey(crypt.DatabaseID(p))
	if err != nil {
		return nil, err
	}
	err = s.kv.Update(ctx, keysPartition, func(tx kv.Tx) error {
		tx.Set(p[:], wrapped)
		return nil
	})
	return key, err
}

func (s *Store) makeRows(ctx context.Context, p kv.Partition) error {
	return s.kv.Update(ctx, p, func(tx kv.Tx) error {
		tx.Set(metaKey, (&meta{revsLimit: defaultRevsLimit}).encode())
		return nil
	})
}

// enter makes the database exist, unless another of its name came first.
func (s *Store) enter(ctx context.Context, name string, rec dbRecord) error {
	return s.kv.Update(ctx, directoryPartition, func(tx kv.Tx) error {
		row, err := getOne(ctx, tx, nameKey(name))
		if err != nil {
			return err
		}
		if row != nil {
			return couch.ErrDatabaseExists
		}
		tx.Set(nameKey(name), rec.encode())
		tx.Delete(unreadyKey(rec.partition))
		return nil
	})
}
