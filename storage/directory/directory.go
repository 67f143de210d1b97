// Package directory keeps which databases a store has: their names, their partitions
// and their wrapped keys, and which partitions are half made or half gone.
//
// A partition is marked unready before anything is in it, and again before anything of
// it goes. What a crash cuts short is found by its mark.
package directory

import (
	"context"
	"iter"

	"settle/storage/background"
	"settle/storage/couch"
	"settle/storage/crypt"
	"settle/storage/kv"
	"settle/storage/schema"
)

// Directory is the directory of a store. It is safe for concurrent use. The errors of
// its methods are those of the engine, which schema.DomainError translates, where
// nothing else is said.
type Directory struct {
	kv      kv.Store
	keyring *crypt.Keyring
	erasing *background.Shared // compaction of the keys partition
}

// New returns the directory on an engine.
func New(store kv.Store, keyring *crypt.Keyring) *Directory {
	d := &Directory{kv: store, keyring: keyring}
	d.erasing = background.NewShared(d.eraseKeys)
	return d
}

// Lookup returns the record of a database. The error is ErrDatabaseMissing where there
// is none.
func (d *Directory) Lookup(ctx context.Context, name string) (rec schema.DBRecord, err error) {
	err = d.kv.View(ctx, schema.DirectoryPartition, func(r kv.Reader) error {
		rec, err = lookUp(ctx, r, name)
		return err
	})
	return rec, err
}

func lookUp(ctx context.Context, r kv.Reader, name string) (schema.DBRecord, error) {
	row, err := kv.GetOne(ctx, r, schema.NameKey(name))
	if err != nil {
		return schema.DBRecord{}, err
	}
	if row == nil {
		return schema.DBRecord{}, couch.ErrDatabaseMissing
	}
	return schema.DecodeDBRecord(row)
}

// Names yields the names in a range of rows, from page to page.
func (d *Directory) Names(ctx context.Context, r kv.Range) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for row, err := range kv.Pages(ctx, d.view(schema.DirectoryPartition), r) {
			if err != nil {
				yield("", err)
				return
			}
			if !yield(string(row.Key[1:]), nil) {
				return
			}
		}
	}
}

// Key returns the key of a database. The error is ErrDatabaseMissing where it was
// dropped.
func (d *Directory) Key(ctx context.Context, p kv.Partition) (key *crypt.DatabaseKey, err error) {
	err = d.kv.View(ctx, schema.KeysPartition, func(r kv.Reader) error {
		wrapped, err := kv.GetOne(ctx, r, p[:])
		if err != nil {
			return err
		}
		if wrapped == nil {
			return couch.ErrDatabaseMissing
		}
		key, err = d.keyring.OpenDatabaseKey(crypt.DatabaseID(p), wrapped)
		return err
	})
	return key, err
}

// Index returns the partition of a database's index; ok is false where it has none of
// that name. r reads the database's partition.
func Index(ctx context.Context, r kv.Reader, name string) (p kv.Partition, ok bool, err error) {
	row, err := kv.GetOne(ctx, r, schema.IndexKey(name))
	if err != nil || row == nil {
		return p, false, err
	}
	p, err = schema.DecodeIndexRow(row)
	return p, err == nil, err
}

func (d *Directory) view(p kv.Partition) func(context.Context, func(kv.Reader) error) error {
	return func(ctx context.Context, fn func(kv.Reader) error) error { return d.kv.View(ctx, p, fn) }
}
