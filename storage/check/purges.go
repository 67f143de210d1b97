package check

import (
	"bytes"
	"context"

	"settle/storage/kv"
	"settle/storage/schema"
)

// purges checks that the two rows of each remembered purge name each other.
func (d *database) purges(ctx context.Context) error {
	var rows int64
	err := d.each(ctx, schema.KindPurge, func(row kv.KV) error {
		rows++
		n, ok := schema.ParsePurgeKey(row.Key)
		purge, err := schema.DecodePurgeRow(row.Value)
		if err != nil || !ok {
			d.find("a purge cannot be read")
			return nil
		}
		if n == 0 || n > d.meta.PurgeSeq {
			d.find("there is a purge %d, and the newest is %d", n, d.meta.PurgeSeq)
		}
		other, err := d.get(ctx, d.partition, purge.PurgedKey(n))
		if err == nil && other == nil {
			d.find("purge %d is not in the list by id", n)
		}
		return err
	})
	if err != nil {
		return err
	}
	return d.purgedRows(ctx, rows)
}

// purgedRows checks the list by id, which has as many rows as there are purges.
func (d *database) purgedRows(ctx context.Context, want int64) error {
	var rows int64
	err := d.each(ctx, schema.KindPurged, func(row kv.KV) error {
		rows++
		purge, n, ok := schema.ParsePurgedKey(row.Key)
		if !ok || !bytes.Equal(row.Key, purge.PurgedKey(n)) {
			d.find("a purge has a malformed key in the list by id")
		}
		return nil
	})
	if err == nil && rows != want {
		d.find("the list of purges by id has %d rows for %d purges", rows, want)
	}
	return err
}
