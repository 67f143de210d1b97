package storage

import (
	"context"

	"settle/storage/couch"
	"settle/storage/kv"
	"settle/storage/schema"
	"settle/storage/seqcount"
)

// PendingChanges returns how many rows the changes feed has behind a sequence.
func (db *Database) PendingChanges(ctx context.Context, since couch.Seq) (int64, error) {
	var n int64
	err := db.view(ctx, func(r kv.Reader, _ *schema.Meta) error {
		var err error
		n, err = seqcount.Behind(ctx, r, since)
		return err
	})
	return n, err
}
