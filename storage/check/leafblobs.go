package check

import (
	"context"

	"settle/storage/couch"
	"settle/storage/kv"
	"settle/storage/schema"
)

// namesLeafBlobs checks that there are the rows of the blobs that a document's leaves have.
func (d *database) namesLeafBlobs(ctx context.Context, id couch.DocID, blobs map[couch.BlobID]bool) error {
	d.leaves += int64(len(blobs))
	missing := 0
	for blob := range blobs {
		row, err := d.get(ctx, d.partition, schema.LeafBlobKey(blob, id))
		if err != nil {
			return err
		}
		if row == nil {
			missing++
		}
	}
	if missing > 0 {
		d.find("document %q: %d of its current contents are not listed", id, missing)
	}
	return nil
}

// leafBlobs checks that no blob is listed that no leaf has, and adds up those that are:
// the rows of one blob stand together.
func (d *database) leafBlobs(ctx context.Context) error {
	var n int64
	var last couch.BlobID
	err := d.each(ctx, schema.KindLeafBlob, func(row kv.KV) error {
		n++
		blob, _, ok := schema.ParseLeafBlobKey(row.Key)
		if !ok {
			d.find("a row of current contents has a malformed key")
			return nil
		}
		if n > 1 && blob == last {
			return nil
		}
		last = blob
		length, err := d.held(ctx, blob)
		d.want.LeafBlobBytes += length
		return err
	})
	if err == nil && n != d.leaves {
		d.find("there are %d rows of current contents where the documents name %d", n, d.leaves)
	}
	return err
}

// held returns how many bytes of a blob are here: of a deferred one what is kept.
func (d *database) held(ctx context.Context, id couch.BlobID) (int64, error) {
	blob, err := d.load(ctx, id)
	if blob == nil || err != nil {
		return 0, err
	}
	if blob.Deferral() != nil {
		row, err := d.get(ctx, d.partition, schema.KeptKey(id))
		if row == nil || err != nil {
			return 0, err
		}
	}
	return blob.Length(), nil
}
