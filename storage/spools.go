package storage

import (
	"context"

	"settle/storage/kv"
	"settle/storage/schema"
	"settle/storage/spool"
)

// batchLimit is what a transaction takes, and what of a batch is kept in memory.
var batchLimit = spool.Limit{Docs: 5000, Bytes: 4 << 20}

// reserveSpool takes a partition that the directory marks as unready, so that the
// next start removes what a crash leaves of it.
func (s *Store) reserveSpool(ctx context.Context) (p kv.Partition, err error) {
	err = s.kv.Update(ctx, schema.DirectoryPartition, func(tx kv.Tx) (err error) {
		p, err = takePartition(ctx, tx)
		return err
	})
	return p, err
}

// removeSpool drops a spool's partition. Where it fails the next start does it.
func (s *Store) removeSpool(ctx context.Context, p kv.Partition) {
	err := s.kv.Drop(ctx, p)
	if err == nil {
		err = s.setReady(ctx, p)
	}
	if err != nil {
		s.log.Warn("the spool of a batch could not be removed; the next start will", "error", err)
	}
}
