package storage

import (
	"context"

	"settle/storage/couch"
	"settle/storage/kv"
	"settle/storage/schema"
)

// DropDatabase removes a database: from when it returns nobody can reach it,
// after a crash either. Its key, rows and blobs are destroyed in the background;
// feeds on it end. The error is ErrDatabaseMissing.
func (s *Store) DropDatabase(ctx context.Context, name string) error {
	var rec schema.DBRecord
	err := s.kv.Update(ctx, schema.DirectoryPartition, func(tx kv.Tx) error {
		row, err := getOne(ctx, tx, schema.NameKey(name))
		if err != nil {
			return err
		}
		if row == nil {
			return couch.ErrDatabaseMissing
		}
		if rec, err = schema.DecodeDBRecord(row); err != nil {
			return err
		}
		tx.Delete(schema.NameKey(name))
		tx.Set(schema.UnreadyKey(rec.Partition), schema.Unready{}.Encode())
		return nil
	}, kv.Freeing)
	if err != nil {
		return schema.DomainError(err)
	}
	s.open.forget(rec.Partition)
	s.tell(DatabaseDeleted, name)
	// The database is gone: the rest is done, whatever becomes of the request.
	err = s.end(context.WithoutCancel(ctx), rec.Partition)
	s.background.Go(func() { s.remove(s.stopping, rec.Partition) })
	return schema.DomainError(err)
}

// end makes every method of a database fail. Its indexes stay named, for erase.
func (s *Store) end(ctx context.Context, p kv.Partition) error {
	return s.kv.Update(ctx, p, func(tx kv.Tx) error {
		tx.Delete(schema.MetaKey())
		return nil
	})
}

// remove destroys what belongs to a partition that the directory does not name,
// and then forgets that it was there. Where it fails the next Open does it.
func (s *Store) remove(ctx context.Context, p kv.Partition) {
	if err := s.destroy(ctx, p); err != nil {
		s.warnLeft(ctx, err)
	}
}

func (s *Store) warnLeft(ctx context.Context, err error) {
	if ctx.Err() == nil {
		s.log.Warn("a dropped database could not be removed whole; the next start will", "error", err)
	}
}

func (s *Store) destroy(ctx context.Context, p kv.Partition) error {
	if err := s.erase(ctx, p); err != nil {
		return err
	}
	if err := s.eraseKeys(ctx); err != nil {
		return err
	}
	return s.setReady(ctx, p)
}

// erase removes key, indexes, rows and blobs of a partition. The key may be left in
// old files of the engine until eraseKeys has run.
func (s *Store) erase(ctx context.Context, p kv.Partition) error {
	err := s.kv.Update(ctx, schema.KeysPartition, func(tx kv.Tx) error {
		tx.Delete(p[:])
		return nil
	})
	if err != nil {
		return err
	}
	if err := s.dropIndexes(ctx, p); err != nil {
		return err
	}
	if err := s.kv.Drop(ctx, p); err != nil {
		return err
	}
	s.rules.forget(p)
	s.open.forget(p) // a request may have found the database just before
	return s.blobs.DropDatabase(p)
}

// eraseKeys rewrites the partition of the wrapped keys, so that deleted ones
// are in no live file. Drops that wait for it share one run.
func (s *Store) eraseKeys(ctx context.Context) error {
	c, ok := s.kv.(kv.Compacter)
	if !ok {
		return nil
	}
	return s.erasing.Do(ctx, func() error { return c.Compact(ctx, schema.KeysPartition) })
}
