package check

import (
	"context"

	"settle/attachments"
	"settle/storage/kv"
	"settle/storage/schema"
)

// equalContents checks that what finds equal contents, and those that start alike, names
// each blob of a file or with a tag once, and nothing else.
func (d *database) equalContents(ctx context.Context) error {
	row, err := d.get(ctx, d.partition, schema.DedupKeyKey())
	if err == nil && row != nil {
		_, err = attachments.OpenDedupKey(d.key, row)
		err = d.damage(d.name, "the key of equal contents", err)
	}
	if err != nil {
		return err
	}
	err = d.named(ctx, schema.KindContent, "equal contents", d.blobs.IsContent, attachments.HasTag)
	if err != nil {
		return err
	}
	return d.named(ctx, schema.KindStart, "how contents start", d.blobs.IsStart, attachments.HasStart)
}

// named checks that the rows of a kind that find blobs are right, and that there is one
// for each blob whose record has what they find it by.
func (d *database) named(ctx context.Context, kind byte, what string, right func(context.Context, kv.Reader, kv.KV) (bool, error), has func([]byte) bool) error {
	var named, want int64
	err := d.each(ctx, kind, func(row kv.KV) error {
		named++
		return d.view(d.partition)(ctx, func(r kv.Reader) error {
			ok, err := right(ctx, r, row)
			if err == nil && !ok {
				d.find("a row of %s names another blob, or none", what)
			}
			return err
		})
	})
	if err != nil {
		return err
	}
	err = d.each(ctx, schema.KindBlob, func(row kv.KV) error {
		if has(row.Value) {
			want++
		}
		return nil
	})
	if err == nil && named != want {
		d.find("there are %d rows of %s for %d blobs", named, what, want)
	}
	return err
}

// uploads checks that every upload opens, and counts them.
func (d *database) uploads(ctx context.Context) error {
	return d.each(ctx, schema.KindUpload, func(row kv.KV) error {
		if len(row.Key) != 1+len(schema.Expiry{}.ID) {
			d.find("an upload has a malformed key")
			return nil
		}
		err := d.view(d.partition)(ctx, func(r kv.Reader) error {
			u, err := d.blobs.LoadUpload(ctx, r, [16]byte(row.Key[1:]))
			if err == nil {
				d.want.AddUpload(u.Upload)
			}
			return err
		})
		return d.damage(d.name, "an upload", err)
	})
}
