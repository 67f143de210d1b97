package check

import (
	"context"

	"settle/attachments"
	"settle/storage/kv"
	"settle/storage/schema"
)

// equalContents checks that what finds equal contents names each blob that has a tag
// once, and nothing else.
func (d *database) equalContents(ctx context.Context) error {
	row, err := d.get(ctx, d.partition, schema.DedupKeyKey())
	if err == nil && row != nil {
		_, err = attachments.OpenDedupKey(d.key, row)
		err = d.damage(d.name, "the key of equal contents", err)
	}
	if err != nil {
		return err
	}
	var named int64
	err = d.each(ctx, schema.KindContent, func(row kv.KV) error {
		named++
		return d.view(d.partition)(ctx, func(r kv.Reader) error {
			ok, err := d.blobs.IsContent(ctx, r, row)
			if err == nil && !ok {
				d.find("a row of equal contents names a blob of another content, or none")
			}
			return err
		})
	})
	if err != nil {
		return err
	}
	var tagged int64
	err = d.each(ctx, schema.KindBlob, func(row kv.KV) error {
		if attachments.HasTag(row.Value) {
			tagged++
		}
		return nil
	})
	if err == nil && named != tagged {
		d.find("there are %d rows of equal contents for %d blobs", named, tagged)
	}
	return err
}

// uploads checks that every upload opens.
func (d *database) uploads(ctx context.Context) error {
	return d.each(ctx, schema.KindUpload, func(row kv.KV) error {
		if len(row.Key) != 1+len(schema.Expiry{}.ID) {
			d.find("an upload has a malformed key")
			return nil
		}
		err := d.view(d.partition)(ctx, func(r kv.Reader) error {
			_, err := d.blobs.LoadUpload(ctx, r, [16]byte(row.Key[1:]))
			return err
		})
		return d.damage(d.name, "an upload", err)
	})
}
