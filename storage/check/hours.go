package check

import (
	"context"

	"settle/storage/kv"
	"settle/storage/schema"
)

// hours checks that the sequences of hours are ones that were given out.
func (d *database) hours(ctx context.Context) error {
	return d.each(ctx, schema.KindTime, func(row kv.KV) error {
		_, ok := schema.ParseTimeKey(row.Key)
		seq, err := schema.DecodeTimeRow(row.Value)
		switch {
		case err != nil || !ok:
			d.find("the row of an hour cannot be read")
		case seq == 0 || seq > d.meta.UpdateSeq:
			d.find("an hour began with the sequence %d, and the newest is %d", seq, d.meta.UpdateSeq)
		}
		return nil
	})
}
