package storage

import (
	"context"

	"settle/storage/indexrows"
	"settle/storage/kv"
	"settle/storage/schema"
)

// IndexView calls fn with a consistent, durable state of an index, which has the
// rows that IndexUpdate wrote and no others. Errors: fn's, ErrDatabaseMissing once
// the database is dropped, ErrNotFound where p is no index, or was dropped.
func (db *Database) IndexView(ctx context.Context, p kv.Partition, fn func(kv.Reader) error) error {
	if err := db.reader(ctx, exists); err != nil {
		return err
	}
	return schema.DomainError(db.store.kv.View(ctx, p, func(r kv.Reader) error {
		if err := indexrows.Check(ctx, r); err != nil {
			return err
		}
		return fn(indexrows.Reader{Reader: r})
	}))
}

// IndexUpdate runs fn as a transaction of an index. It does not wait for the disk:
// a crash may take back what it has written, the last first. The keys are fn's own,
// but for those that are empty or begin with a zero byte, which are an error of kind
// Internal. Other errors are those of IndexView and NoSpace.
func (db *Database) IndexUpdate(ctx context.Context, p kv.Partition, fn func(kv.Tx) error) error {
	if err := db.reader(ctx, exists); err != nil {
		return err
	}
	return schema.DomainError(db.store.kv.Update(ctx, p, func(tx kv.Tx) error {
		if err := indexrows.Check(ctx, tx); err != nil {
			return err
		}
		own := indexrows.NewTx(tx)
		if err := fn(own); err != nil {
			return err
		}
		return own.Err()
	}, kv.Lazy, kv.Bulk))
}

func exists(kv.Reader) error { return nil }
