package storage

import (
	"context"

	"settle/storage/couch"
	"settle/storage/kv"
)

// finishUnready removes the databases that a crash has left half made or half
// dropped.
func (s *Store) finishUnready(ctx context.Context) error {
	prefix := []byte{dirUnready}
	for row, err := range pages(ctx, s.view(directoryPartition), kv.Range{Lo: prefix, Hi: prefixEnd(prefix)}) {
		if err != nil {
			return err
		}
		if len(row.Key) != 9 {
			return corrupt("directory row of an unready database")
		}
		if err := s.destroy(ctx, kv.Partition(row.Key[1:])); err != nil {
			return domainError(err)
		}
	}
	return nil
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
			exist, err = s.blobs.Database(p, nil, []byte{keyBlob}).Exist(ctx, r, ids...)
			return err
		})
		return exist, err
	})
	return domainError(err)
}
