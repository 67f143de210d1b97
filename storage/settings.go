package storage

import (
	"bytes"
	"context"

	"settle/storage/kv"
	"settle/storage/schema"
)

// Setting returns a setting of the server, nil where it is not set. The store
// gives no meaning to its bytes.
func (s *Store) Setting(ctx context.Context, key string) ([]byte, error) {
	var value []byte
	err := s.kv.View(ctx, schema.SettingsPartition, func(r kv.Reader) error {
		v, err := kv.GetOne(ctx, r, []byte(key))
		value = bytes.Clone(v)
		return err
	})
	return value, schema.DomainError(err)
}

// SetSetting stores a setting durably; a nil value removes it.
func (s *Store) SetSetting(ctx context.Context, key string, value []byte) error {
	return schema.DomainError(s.kv.Update(ctx, schema.SettingsPartition, func(tx kv.Tx) error {
		if value == nil {
			tx.Delete([]byte(key))
		} else {
			tx.Set([]byte(key), value)
		}
		return nil
	}))
}
