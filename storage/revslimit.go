package storage

import (
	"context"

	"settle/storage/couch"
	"settle/storage/kv"
	"settle/storage/schema"
)

// RevsLimit returns how many generations of a document's history are kept.
func (db *Database) RevsLimit(ctx context.Context) (int, error) {
	var n int
	err := db.view(ctx, func(_ kv.Reader, m *schema.Meta) error {
		n = int(m.RevsLimit)
		return nil
	})
	return n, err
}

// SetRevsLimit changes the limit, which must be positive; it takes effect on
// each document with its next edit. It counts as an update: the sequence grows
// by one. The error is a BadRequest.
func (db *Database) SetRevsLimit(ctx context.Context, n int) error {
	if n <= 0 {
		return couch.Errorf(couch.BadRequest, "`_revs_limit` must be a positive integer")
	}
	return db.update(ctx, func(_ kv.Tx, m *schema.Meta) error {
		m.RevsLimit = uint64(n)
		m.UpdateSeq++
		return nil
	})
}
