package directory

import (
	"context"
	"errors"

	"settle/storage/couch"
	"settle/storage/crypt"
	"settle/storage/kv"
	"settle/storage/schema"
)

// Create makes an empty database: its key, its rows, and last its name, from when on it
// exists. It sets the partition of rec. The error is ErrDatabaseExists where there is
// one of that name. After an error what was made is marked unready: rec has its
// partition, unless that was not given for sure.
func (d *Directory) Create(ctx context.Context, name string, rec *schema.DBRecord) (*crypt.DatabaseKey, error) {
	if err := d.reserve(ctx, name, rec); err != nil {
		return nil, err
	}
	key, err := d.makeKey(ctx, rec.Partition)
	if err == nil {
		err = d.makeRows(ctx, rec.Partition)
	}
	if err == nil {
		err = d.enter(ctx, name, *rec)
	}
	return key, err
}

// reserve gives the database a partition of its own.
func (d *Directory) reserve(ctx context.Context, name string, rec *schema.DBRecord) error {
	var taken kv.Partition
	err := d.kv.Update(ctx, schema.DirectoryPartition, func(tx kv.Tx) (err error) {
		if err = mustBeFree(ctx, tx, name); err == nil {
			taken, err = take(ctx, tx, schema.Unready{})
		}
		return err
	})
	if err == nil { // else the next one may be given the same
		rec.Partition = taken
	}
	return err
}

func mustBeFree(ctx context.Context, r kv.Reader, name string) error {
	_, err := lookUp(ctx, r, name)
	switch {
	case err == nil:
		return couch.ErrDatabaseExists
	case errors.Is(err, couch.ErrDatabaseMissing):
		return nil
	}
	return err
}

func (d *Directory) makeKey(ctx context.Context, p kv.Partition) (*crypt.DatabaseKey, error) {
	key, wrapped, err := d.keyring.NewDatabaseKey(crypt.DatabaseID(p))
	if err != nil {
		return nil, err
	}
	err = d.kv.Update(ctx, schema.KeysPartition, func(tx kv.Tx) error {
		tx.Set(p[:], wrapped)
		return nil
	})
	return key, err
}

func (d *Directory) makeRows(ctx context.Context, p kv.Partition) error {
	return d.kv.Update(ctx, p, func(tx kv.Tx) error {
		m := schema.Meta{RevsLimit: schema.DefaultRevsLimit, PurgeLimit: schema.DefaultPurgeLimit}
		tx.Set(schema.MetaKey(), m.Encode())
		return nil
	})
}

// enter makes the database exist, unless another of its name came first.
func (d *Directory) enter(ctx context.Context, name string, rec schema.DBRecord) error {
	return d.kv.Update(ctx, schema.DirectoryPartition, func(tx kv.Tx) error {
		if err := mustBeFree(ctx, tx, name); err != nil {
			return err
		}
		tx.Set(schema.NameKey(name), rec.Encode())
		tx.Delete(schema.UnreadyKey(rec.Partition))
		return nil
	})
}

// take gives out the next partition number, in a transaction of the directory, which
// marks it unready.
func take(ctx context.Context, tx kv.Tx, mark schema.Unready) (p kv.Partition, err error) {
	row, err := kv.GetOne(ctx, tx, schema.CounterKey())
	if err != nil {
		return p, err
	}
	n := uint64(schema.FirstDatabase)
	if row != nil {
		last, err := schema.DecodeCounter(row)
		if err != nil {
			return p, err
		}
		n = last + 1
	}
	p = schema.Partition(n)
	tx.Set(schema.CounterKey(), schema.EncodeCounter(n))
	tx.Set(schema.UnreadyKey(p), mark.Encode())
	return p, nil
}
