package check

import (
	"context"

	"settle/storage/kv"
	"settle/storage/schema"
)

// receipts checks that the receipts of deliveries open, and the keys of their days
// that are still there.
func (d *database) receipts(ctx context.Context) error {
	days := map[schema.Day]bool{}
	err := d.each(ctx, schema.KindReceipt, func(row kv.KV) error {
		if !schema.IsReceiptKey(row.Key) {
			d.find("a receipt of a delivery has a malformed key")
			return nil
		}
		receipt, err := schema.OpenReceipt(d.key, row.Key, row.Value)
		if err != nil {
			return d.damage(d.name, "the receipt of a delivery", err)
		}
		days[receipt.Day] = true
		return nil
	})
	if err != nil {
		return err
	}
	for day := range days {
		key := schema.TagKeyKey(day, d.partition)
		row, err := d.get(ctx, schema.TagKeysPartition, key)
		if err == nil && row != nil {
			_, err = schema.OpenTagKey(d.key, key, row)
		}
		if err := d.damage(d.name, "a key of deliveries", err); err != nil {
			return err
		}
	}
	return nil
}
