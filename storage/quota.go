package storage

import (
	"context"

	"settle/storage/couch"
	"settle/storage/kv"
	"settle/storage/schema"
)

// Quota returns how much the database may hold, and holds.
func (db *Database) Quota(ctx context.Context) (couch.Quota, error) {
	var q couch.Quota
	err := db.view(ctx, func(_ kv.Reader, m *schema.Meta) error {
		q = m.Quota()
		return nil
	})
	return q, err
}

// SetQuota bounds what the database may hold, in bytes of plaintext; couch.NoQuota
// takes the bound away. What is more than that already stays.
func (db *Database) SetQuota(ctx context.Context, max int64) error {
	return db.update(ctx, func(_ kv.Tx, m *schema.Meta) error {
		m.SetMaxBytes(max)
		return nil
	}, kv.Freeing)
}

// updateWithinQuota is update for what writes documents: it fails with an OverQuota
// where the database would hold more than before, and more than it may.
func (db *Database) updateWithinQuota(ctx context.Context, fn func(kv.Tx, *schema.Meta) error, opts ...kv.UpdateOption) error {
	return db.update(ctx, func(tx kv.Tx, m *schema.Meta) error {
		before := m.Quota()
		if err := fn(tx, m); err != nil {
			return err
		}
		return before.Admits(m.Quota().Used() - before.Used())
	}, opts...)
}
