package storage

import (
	"bytes"
	"context"

	"settle/storage/kv"
	"settle/storage/schema"
)

// security is a security object as it was after so many changes of any; see handles.
type security struct {
	changes uint64
	text    []byte
}

// Security returns the security object that was set last, as JSON text; nil where none was:
// the server knows the default. A short one is remembered until any is set, so that no request has to
// wait for the commits of others to be judged.
func (db *Database) Security(ctx context.Context) ([]byte, error) {
	now := &security{changes: db.store.open.changes.Load()}
	if last := db.security.Load(); last != nil && last.changes == now.changes {
		return bytes.Clone(last.text), nil
	}
	err := db.view(ctx, func(r kv.Reader, _ *schema.Meta) error {
		row, err := kv.GetOne(ctx, r, schema.SecurityKey())
		now.text = bytes.Clone(row)
		return err
	})
	if err == nil && len(now.text) <= 4<<10 { // of thousands of databases
		db.security.Store(now)
	}
	return bytes.Clone(now.text), err
}

// SetSecurity stores a security object, which the caller has checked. It counts
// as an update: the sequence grows by one.
func (db *Database) SetSecurity(ctx context.Context, text []byte) error {
	defer db.store.open.changes.Add(1) // after an error as well: the commit may stand
	return db.update(ctx, func(tx kv.Tx, m *schema.Meta) error {
		m.UpdateSeq++
		tx.Set(schema.SecurityKey(), text)
		return nil
	})
}
