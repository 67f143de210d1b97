package storage

import (
	"context"

	"settle/storage/kv"
	"settle/storage/schema"
)

// takeMarked takes a partition that the directory marks as unready, so that the next
// start removes what a crash leaves of it.
func (s *Store) takeMarked(ctx context.Context, mark schema.Unready) (p kv.Partition, err error) {
	err = s.kv.Update(ctx, schema.DirectoryPartition, func(tx kv.Tx) (err error) {
		p, err = takePartition(ctx, tx, mark)
		return err
	})
	return p, err
}

// mark marks a partition as unready again, to destroy it.
func (s *Store) mark(ctx context.Context, p kv.Partition, mark schema.Unready) error {
	return s.kv.Update(ctx, schema.DirectoryPartition, func(tx kv.Tx) error {
		tx.Set(schema.UnreadyKey(p), mark.Encode())
		return nil
	}, kv.Freeing)
}

// setReady takes back the mark of partitions that are whole, or of which nothing is
// left.
func (s *Store) setReady(ctx context.Context, ps ...kv.Partition) error {
	return s.kv.Update(ctx, schema.DirectoryPartition, func(tx kv.Tx) error {
		for _, p := range ps {
			tx.Delete(schema.UnreadyKey(p))
		}
		return nil
	})
}

// removeOwned drops a partition that belonged to a database: a spool, or an index
// that is no longer named. Where it fails the next start does it.
func (s *Store) removeOwned(ctx context.Context, p kv.Partition) {
	err := s.kv.Drop(ctx, p)
	if err == nil {
		err = s.setReady(ctx, p)
	}
	if err != nil && ctx.Err() == nil {
		s.log.Warn("a spool or an index could not be removed; the next start will", "error", err)
	}
}

// dropIndexes drops the indexes that the rows of a database name, which exists no
// longer: it gets no new ones.
func (s *Store) dropIndexes(ctx context.Context, p kv.Partition) error {
	for row, err := range kv.Pages(ctx, s.view(p), schema.All(schema.KindIndex)) {
		if err != nil {
			return err
		}
		index, err := schema.DecodeIndexRow(row.Value)
		if err != nil {
			return err
		}
		if err := s.kv.Drop(ctx, index); err != nil {
			return err
		}
	}
	return nil
}
