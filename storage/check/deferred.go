package check

import (
	"context"

	"settle/storage/couch"
	"settle/storage/kv"
	"settle/storage/schema"
)

// kept checks that what is kept of deferred contents is there, and of their length. Its
// blobs, to which no document refers, count with the others.
func (d *database) kept(ctx context.Context) error {
	return d.each(ctx, schema.KindKept, func(row kv.KV) error {
		id, ok := schema.ParseKeptKey(row.Key)
		kept, err := schema.DecodeKept(row.Value)
		if err != nil || !ok {
			d.find("a row of kept contents cannot be read")
			return nil
		}
		d.want.Blobs++
		d.want.BlobBytes += kept.Length
		d.want.KeptBytes += kept.Length
		deferred, err := d.load(ctx, id)
		if err != nil {
			return err
		}
		if deferred == nil || deferred.Deferral() == nil || deferred.Length() != kept.Length {
			d.find("a kept content is of no deferred one, or of another length")
		}
		blob, err := d.load(ctx, kept.Blob)
		if err == nil && (blob == nil || blob.Deferral() != nil || blob.Length() != kept.Length) {
			d.find("a kept content is missing, or of another length")
		}
		return err
	})
}

// needOrigin notes that there is a content of an origin.
func (d *database) needOrigin(id couch.OriginID) {
	if d.origin == nil {
		d.origin = make(map[couch.OriginID]bool)
	}
	d.origin[id] = true
}

// origins checks that every origin opens, and that none is missing.
func (d *database) origins(ctx context.Context) error {
	err := d.each(ctx, schema.KindOrigin, func(row kv.KV) error {
		id, ok := schema.ParseOriginKey(row.Key)
		if !ok {
			d.find("an origin has a malformed key")
			return nil
		}
		delete(d.origin, id)
		_, err := schema.OpenOrigin(d.key, id, row.Value)
		return d.damage(d.name, "an origin", err)
	})
	if err == nil && len(d.origin) > 0 {
		d.find("there are contents of %d origins that it does not know", len(d.origin))
	}
	return err
}
