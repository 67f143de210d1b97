package storage

import (
	"bytes"
	"context"

	"settle/storage/kv"
	"settle/storage/schema"
)

// Security returns the security object that was set last, as JSON text; nil
// where none was: the server knows the default.
func (db *Database) Security(ctx context.Context) ([]byte, error) {
	var text []byte
	err := db.view(ctx, func(r kv.Reader, _ *schema.Meta) error {
		row, err := kv.GetOne(ctx, r, schema.SecurityKey())
		text = bytes.Clone(row)
		return err
	})
	return text, err
}

// SetSecurity stores a security object, which the caller has checked. It counts
// as an update: the sequence grows by one.
func (db *Database) SetSecurity(ctx context.Context, text []byte) error {
	return db.update(ctx, func(tx kv.Tx, m *schema.Meta) error {
		m.UpdateSeq++
		tx.Set(schema.SecurityKey(), text)
		return nil
	})
}
