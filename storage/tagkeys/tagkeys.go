// Package tagkeys keeps, for each database, a key a day, by which it can be told whether
// a delivery is the same as an earlier one. The keys are destroyed after two weeks: from
// then on nobody can confirm a guess of what was delivered.
package tagkeys

import (
	"bytes"
	"context"
	"errors"
	"time"

	"settle/storage/couch"
	"settle/storage/crypt"
	"settle/storage/kv"
	"settle/storage/schema"
)

// Days is for how many days it is known what was delivered: a mail transfer agent gives
// up after five.
const Days = 14

// Keys are the keys of a store's databases.
type Keys struct {
	KV  kv.Store
	Now func() time.Time
}

// Today is the day whose key new deliveries get.
func (k Keys) Today() schema.Day { return schema.DayOf(k.Now()) }

// Owner is the database that a key is of, and what seals it.
type Owner struct {
	Partition kv.Partition
	Key       *crypt.DatabaseKey
}

// Open reads the key of a day. The error is an AlreadyDelivered where it was destroyed.
func (k Keys) Open(ctx context.Context, o Owner, day schema.Day) (*schema.TagKey, error) {
	rowKey := schema.TagKeyKey(day, o.Partition)
	var row []byte
	err := k.KV.View(ctx, schema.TagKeysPartition, func(r kv.Reader) error {
		values, err := r.GetMulti(ctx, rowKey)
		if err == nil {
			row = bytes.Clone(values[0])
		}
		return err
	})
	if err != nil {
		return nil, schema.DomainError(err)
	}
	if row == nil || k.Today() > day+Days {
		return nil, couch.ErrAlreadyDelivered
	}
	return schema.OpenTagKey(o.Key, rowKey, row)
}

// Make returns the key of a day, which it makes durably where there is none.
func (k Keys) Make(ctx context.Context, o Owner, day schema.Day) (*schema.TagKey, error) {
	key, err := k.Open(ctx, o, day)
	if !errors.Is(err, couch.ErrAlreadyDelivered) {
		return key, err
	}
	rowKey := schema.TagKeyKey(day, o.Partition)
	err = k.KV.Update(ctx, schema.TagKeysPartition, func(tx kv.Tx) error {
		values, err := tx.GetMulti(ctx, rowKey)
		if err != nil {
			return err
		}
		if values[0] != nil {
			key, err = schema.OpenTagKey(o.Key, rowKey, values[0])
			return err
		}
		key = schema.NewTagKey()
		tx.Set(rowKey, schema.SealTagKey(o.Key, rowKey, key))
		return nil
	})
	return key, schema.DomainError(err)
}

// Expire destroys the keys of days that are past: when it returns they are in no live
// file. It may be cut short at any place and run again.
func (k Keys) Expire(ctx context.Context) error {
	today := k.Today()
	if today <= Days {
		return nil
	}
	end := schema.TagKeyKey(today-Days, kv.Partition{})
	found, mark, err := k.toErase(ctx, end)
	if err == nil && found {
		mark, err = end, k.delete(ctx, end)
	}
	if err == nil && mark != nil {
		err = k.erase(ctx, mark)
	}
	return schema.DomainError(err)
}

// toErase reports whether there are keys of days before end, and returns the mark of
// those that are deleted and maybe still in a file, nil where there is none.
func (k Keys) toErase(ctx context.Context, end []byte) (found bool, mark []byte, err error) {
	err = k.KV.View(ctx, schema.TagKeysPartition, func(r kv.Reader) error {
		for _, err := range r.Scan(ctx, kv.Range{Hi: end, Limit: 1}) {
			if err != nil {
				return err
			}
			found = true
		}
		row, err := kv.GetOne(ctx, r, schema.ErasingKey())
		mark = bytes.Clone(row)
		return err
	})
	return found, mark, err
}

// delete deletes the keys of days before end, and marks that.
func (k Keys) delete(ctx context.Context, end []byte) error {
	return k.KV.Update(ctx, schema.TagKeysPartition, func(tx kv.Tx) error {
		tx.DeleteRange(nil, end)
		tx.Set(schema.ErasingKey(), end)
		return nil
	}, kv.Freeing)
}

// erase takes deleted keys out of all files, and then their mark away, unless others
// were deleted meanwhile.
func (k Keys) erase(ctx context.Context, mark []byte) error {
	if c, ok := k.KV.(kv.Compacter); ok {
		if err := c.Compact(ctx, schema.TagKeysPartition); err != nil {
			return err
		}
	}
	return k.KV.Update(ctx, schema.TagKeysPartition, func(tx kv.Tx) error {
		row, err := kv.GetOne(ctx, tx, schema.ErasingKey())
		if err == nil && bytes.Equal(row, mark) {
			tx.Delete(schema.ErasingKey())
		}
		return err
	}, kv.Freeing)
}
