package directory

import (
	"context"

	"settle/storage/kv"
	"settle/storage/schema"
)

// Drop takes a database out of the directory: from when it returns nobody finds it,
// after a crash either. What belongs to it is marked unready. The error is
// ErrDatabaseMissing.
func (d *Directory) Drop(ctx context.Context, name string) (rec schema.DBRecord, err error) {
	err = d.kv.Update(ctx, schema.DirectoryPartition, func(tx kv.Tx) error {
		if rec, err = lookUp(ctx, tx, name); err != nil {
			return err
		}
		tx.Delete(schema.NameKey(name))
		tx.Set(schema.UnreadyKey(rec.Partition), schema.Unready{}.Encode())
		return nil
	}, kv.Freeing)
	return rec, err
}

// End makes every method of a dropped database fail. Its indexes stay named, for Erase.
func (d *Directory) End(ctx context.Context, p kv.Partition) error {
	return d.kv.Update(ctx, p, func(tx kv.Tx) error {
		tx.Delete(schema.MetaKey())
		return nil
	})
}

// Erase removes key, indexes and rows of a database that exists no longer. The key may
// be left in old files of the engine until EraseKeys has run.
func (d *Directory) Erase(ctx context.Context, p kv.Partition) error {
	err := d.kv.Update(ctx, schema.KeysPartition, func(tx kv.Tx) error {
		tx.Delete(p[:])
		return nil
	})
	if err != nil {
		return err
	}
	if err := d.dropIndexes(ctx, p); err != nil {
		return err
	}
	return d.kv.Drop(ctx, p)
}

// dropIndexes drops the indexes that the rows of a database name, which exists no
// longer: it gets no new ones.
func (d *Directory) dropIndexes(ctx context.Context, p kv.Partition) error {
	for row, err := range kv.Pages(ctx, d.view(p), schema.All(schema.KindIndex)) {
		if err != nil {
			return err
		}
		index, err := schema.DecodeIndexRow(row.Value)
		if err != nil {
			return err
		}
		if err := d.kv.Drop(ctx, index); err != nil {
			return err
		}
	}
	return nil
}

// EraseKeys rewrites the partition of the wrapped keys, so that deleted ones are in no
// live file. Drops that wait for it share one run.
func (d *Directory) EraseKeys(ctx context.Context) error { return d.erasing.Do(ctx) }

func (d *Directory) eraseKeys(ctx context.Context) error {
	if c, ok := d.kv.(kv.Compacter); ok {
		return c.Compact(ctx, schema.KeysPartition)
	}
	return nil
}

// DropOwned drops a partition that belonged to a database, a spool or an index that is
// no longer named, and forgets that it was there.
func (d *Directory) DropOwned(ctx context.Context, p kv.Partition) error {
	if err := d.kv.Drop(ctx, p); err != nil {
		return err
	}
	return d.SetReady(ctx, p)
}
