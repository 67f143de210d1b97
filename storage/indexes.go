package storage

import (
	"context"
	"iter"

	"settle/storage/couch"
	"settle/storage/directory"
	"settle/storage/kv"
	"settle/storage/schema"
)

// OpenIndex returns the partition of the database's index of that name, which is up
// to 200 bytes long and means nothing to the store. Where there is none it makes an
// empty one, which is on disk when OpenIndex returns; of a crash in between nothing
// is left. Errors: ErrDatabaseMissing, NoSpace, a BadRequest for the name.
func (db *Database) OpenIndex(ctx context.Context, name string) (kv.Partition, error) {
	if name == "" || len(name) > schema.MaxIndexName {
		return kv.Partition{}, couch.Errorf(couch.BadRequest, "the name of an index has 1 to %d bytes", schema.MaxIndexName)
	}
	p, ok, err := db.findIndex(ctx, name)
	if ok || err != nil {
		return p, err
	}
	made, err := db.store.directory.Take(ctx, schema.Unready{Database: db.rec.Partition, Index: name})
	if err != nil {
		return kv.Partition{}, schema.DomainError(err)
	}
	if p, err = db.enterIndex(ctx, name, made); err == nil && p == made {
		return p, schema.DomainError(db.store.directory.SetReady(ctx, made))
	}
	db.store.removeOwned(context.WithoutCancel(ctx), made)
	return p, err
}

// findIndex looks an index up; ok is false where the database has none.
func (db *Database) findIndex(ctx context.Context, name string) (p kv.Partition, ok bool, err error) {
	err = db.view(ctx, func(r kv.Reader, _ *schema.Meta) error {
		p, ok, err = directory.Index(ctx, r, name)
		return err
	})
	return p, ok, err
}

// enterIndex makes an index of the partition made, unless another came first. It
// returns the one that the database has now. The head comes first: an index that the
// database names has one.
func (db *Database) enterIndex(ctx context.Context, name string, made kv.Partition) (p kv.Partition, err error) {
	err = db.store.kv.Update(ctx, made, func(tx kv.Tx) error {
		tx.Set(schema.IndexHeadKey(), schema.IndexHead())
		return nil
	})
	if err != nil {
		return p, schema.DomainError(err)
	}
	err = db.update(ctx, func(tx kv.Tx, _ *schema.Meta) error {
		found, ok, err := directory.Index(ctx, tx, name)
		if p = found; ok || err != nil {
			return err
		}
		p = made
		tx.Set(schema.IndexKey(name), schema.EncodeIndexRow(made))
		return nil
	})
	return p, err
}

// Indexes yields the names of the database's indexes, in the order of their bytes.
func (db *Database) Indexes(ctx context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for row, err := range kv.Pages(ctx, db.reader, schema.All(schema.KindIndex)) {
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

// DropIndex removes an index, if there is one of that name: nobody can reach it from
// when DropIndex returns, after a crash either. The error is ErrDatabaseMissing, or
// the engine's.
func (db *Database) DropIndex(ctx context.Context, name string) error {
	p, ok, err := db.findIndex(ctx, name)
	if !ok || err != nil {
		return err
	}
	mark := schema.Unready{Database: db.rec.Partition, Index: name}
	if err := db.store.directory.Mark(ctx, p, mark); err != nil {
		return schema.DomainError(err)
	}
	err = db.update(ctx, func(tx kv.Tx, _ *schema.Meta) error {
		found, _, err := directory.Index(ctx, tx, name)
		if found == p {
			tx.Delete(schema.IndexKey(name))
		}
		return err
	}, kv.Freeing)
	if err == nil {
		db.store.removeOwned(context.WithoutCancel(ctx), p)
	}
	return err
}
