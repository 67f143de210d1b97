package storage

import (
	"context"

	"settle/storage/couch"
	"settle/storage/kv"
	"settle/storage/schema"
)

// finishUnready removes the databases that a crash has left half made or half
// dropped.
func (s *Store) finishUnready(ctx context.Context) error {
	for row, err := range kv.Pages(ctx, s.view(schema.DirectoryPartition), schema.All(schema.KindUnready)) {
		if err != nil {
			return err
		}
		p, ok := schema.ParseUnreadyKey(row.Key)
		if !ok {
			return schema.Corrupt("directory row of an unready database")
		}
		if err := s.destroy(ctx, p); err != nil {
			return schema.DomainError(err)
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
			exist, err = s.blobs.Database(p, nil, []byte{schema.KindBlob}).Exist(ctx, r, ids...)
			return err
		})
		return exist, err
	})
	return schema.DomainError(err)
}
