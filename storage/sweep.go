package storage

import (
	"context"

	"settle/storage/couch"
	"settle/storage/kv"
	"settle/storage/schema"
)

// finishUnready removes, in the background, the databases, indexes and spools that a
// crash has left half made or half dropped. It has found them before it returns, so
// that it takes none for one that is being made later.
func (s *Store) finishUnready(ctx context.Context) error {
	left, err := s.directory.FindUnready(ctx)
	if err == nil && len(left.Whole) > 0 {
		err = s.directory.SetReady(ctx, left.Whole...)
	}
	if err != nil {
		return schema.DomainError(err)
	}
	s.background.Go(func() {
		for _, p := range left.Owned {
			s.removeOwned(s.stopping, p)
		}
		if len(left.Databases) > 0 {
			s.removeAll(s.stopping, left.Databases)
		}
	})
	return nil
}

// removeAll destroys many partitions with one rewriting of the keys.
func (s *Store) removeAll(ctx context.Context, ps []kv.Partition) {
	var erased []kv.Partition
	for _, p := range ps {
		if err := s.erase(ctx, p); err != nil {
			s.warn(ctx, dropLeft, err)
			continue
		}
		erased = append(erased, p)
	}
	if err := s.directory.EraseKeys(ctx); err != nil {
		s.warn(ctx, dropLeft, err)
		return
	}
	for _, p := range erased {
		if err := s.directory.SetReady(ctx, p); err != nil {
			s.warn(ctx, dropLeft, err)
			return
		}
	}
}

// Sweep removes the blob files that no database refers to. Open does so in the
// background; it may run at any time beside everything else.
func (s *Store) Sweep(ctx context.Context) error {
	_, err := s.blobs.Sweep(ctx, func(ctx context.Context, p kv.Partition, ids []couch.BlobID) ([]bool, error) {
		var exist []bool
		err := s.view(p)(ctx, func(r kv.Reader) error {
			if _, err := readMeta(ctx, r); err != nil {
				return err
			}
			var err error
			exist, err = s.blobsOf(p, nil).Exist(ctx, r, ids...)
			return err
		})
		return exist, err
	})
	return schema.DomainError(err)
}
