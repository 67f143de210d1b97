package storage

import (
	"context"

	"settle/storage/kv"
	"settle/storage/schema"
)

// DropDatabase removes a database: from when it returns nobody can reach it,
// after a crash either. Its key, rows and blobs are destroyed in the background;
// feeds on it end. The error is ErrDatabaseMissing.
func (s *Store) DropDatabase(ctx context.Context, name string) error {
	rec, err := s.directory.Drop(ctx, name)
	if err != nil {
		return schema.DomainError(err)
	}
	s.tell(DatabaseDeleted, name)
	// The database is gone: the rest is done, whatever becomes of the request. Where it
	// is not ended at once, for who has it open, it is when its rows go.
	s.warn(s.stopping, "a dropped database could not be ended at once", s.directory.End(context.WithoutCancel(ctx), rec.Partition))
	s.open.forget(rec.Partition)
	s.background.Go(func() { s.remove(s.stopping, rec.Partition) })
	return nil
}

// remove destroys what belongs to a partition that the directory does not name,
// and then forgets that it was there. Where it fails the next Open does it.
func (s *Store) remove(ctx context.Context, p kv.Partition) {
	s.warn(ctx, dropLeft, s.destroy(ctx, p))
}

const dropLeft = "a dropped database could not be removed whole; the next start will"

func (s *Store) destroy(ctx context.Context, p kv.Partition) error {
	if err := s.erase(ctx, p); err != nil {
		return err
	}
	if err := s.directory.EraseKeys(ctx); err != nil {
		return err
	}
	return s.directory.SetReady(ctx, p)
}

// erase removes key, indexes, rows and blobs of a partition. The key may be left in
// old files of the engine until EraseKeys has run.
func (s *Store) erase(ctx context.Context, p kv.Partition) error {
	if err := s.directory.Erase(ctx, p); err != nil {
		return err
	}
	s.rules.Forget(p)
	s.open.forget(p) // a request may have found the database just before
	return s.blobs.DropDatabase(p)
}

// removeOwned drops a partition that belonged to a database: a spool, or an index
// that is no longer named. Where it fails the next start does it.
func (s *Store) removeOwned(ctx context.Context, p kv.Partition) {
	s.warn(ctx, "a spool or an index could not be removed; the next start will", s.directory.DropOwned(ctx, p))
}
