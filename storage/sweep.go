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
	var whole, owned, databases []kv.Partition
	for row, err := range kv.Pages(ctx, s.view(schema.DirectoryPartition), schema.All(schema.KindUnready)) {
		if err != nil {
			return err
		}
		p, ok := schema.ParseUnreadyKey(row.Key)
		mark, err := schema.DecodeUnready(row.Value)
		if err != nil || !ok {
			return schema.Corrupt("directory row of an unready partition")
		}
		named, err := s.names(ctx, mark, p)
		if err != nil {
			return err
		}
		switch {
		case named:
			whole = append(whole, p)
		case mark.IsOwned():
			owned = append(owned, p)
		default:
			databases = append(databases, p)
		}
	}
	if len(whole) > 0 {
		if err := s.setReady(ctx, whole...); err != nil {
			return schema.DomainError(err)
		}
	}
	s.background.Go(func() {
		for _, p := range owned {
			s.removeOwned(s.stopping, p)
		}
		if len(databases) > 0 {
			s.removeAll(s.stopping, databases)
		}
	})
	return nil
}

// names reports whether the database that a mark tells of has p for its index.
func (s *Store) names(ctx context.Context, mark schema.Unready, p kv.Partition) (bool, error) {
	if !mark.IsOwned() {
		return false, nil
	}
	var found kv.Partition
	err := s.view(mark.Database)(ctx, func(r kv.Reader) (err error) {
		found, _, err = readIndexRow(ctx, r, mark.Index)
		return err
	})
	return found == p, err
}

// removeAll destroys many partitions with one rewriting of the keys.
func (s *Store) removeAll(ctx context.Context, ps []kv.Partition) {
	var erased []kv.Partition
	for _, p := range ps {
		if err := s.erase(ctx, p); err != nil {
			s.warnLeft(ctx, err)
			continue
		}
		erased = append(erased, p)
	}
	if err := s.eraseKeys(ctx); err != nil {
		s.warnLeft(ctx, err)
		return
	}
	for _, p := range erased {
		if err := s.setReady(ctx, p); err != nil {
			s.warnLeft(ctx, err)
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
