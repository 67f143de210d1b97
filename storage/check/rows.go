package check

import (
	"context"
	"errors"

	"settle/attachments"
	"settle/storage/couch"
	"settle/storage/kv"
	"settle/storage/schema"
)

// sequences checks that by-seq has no rows that no document has.
func (d *database) sequences(ctx context.Context) error {
	var rows int64
	err := d.each(ctx, schema.KindSeq, func(row kv.KV) error {
		rows++
		_, ok := schema.ParseSeqKey(row.Key)
		if _, err := schema.DecodeSeqRow(row.Value); err != nil || !ok {
			d.find("a row of by-seq cannot be read")
		}
		return nil
	})
	if n := d.want.DocCount + d.want.DeletedCount; err == nil && rows != n {
		d.find("by-seq has %d rows for %d documents", rows, n)
	}
	return err
}

// seqCounts checks the counts of by-seq's rows.
func (d *database) seqCounts(ctx context.Context) error {
	want := make(map[string]int64)
	for block, n := range d.count {
		want[string(block.Key())] = n
	}
	err := d.each(ctx, schema.KindSeqCount, func(row kv.KV) error {
		n, err := schema.DecodeSeqCount(row.Value)
		if err != nil || n != want[string(row.Key)] {
			d.find("a count of by-seq's rows is wrong")
		}
		delete(want, string(row.Key))
		return nil
	})
	if err == nil && len(want) > 0 {
		d.find("%d counts of by-seq's rows are missing", len(want))
	}
	return err
}

// bodyRows checks that there is no body that no tree names.
func (d *database) bodyRows(ctx context.Context) error {
	var n int64
	err := d.each(ctx, schema.KindBody, func(row kv.KV) error {
		if _, _, ok := schema.ParseBodyKey(row.Key); !ok {
			d.find("a body has a malformed key")
		}
		n++
		return nil
	})
	if err == nil && n != d.bodies {
		d.find("there are %d bodies where the documents name %d", n, d.bodies)
	}
	return err
}

// references checks that there is no reference that no body names, and adds up
// the blobs: those of one blob stand together.
func (d *database) references(ctx context.Context) error {
	var n int64
	var last couch.BlobID
	err := d.each(ctx, schema.KindRef, func(row kv.KV) error {
		n++
		ref, ok := schema.ParseRefKey(row.Key)
		if !ok {
			d.find("a reference to an attachment has a malformed key")
			return nil
		}
		if d.want.Blobs > 0 && ref.Blob == last {
			return nil
		}
		last = ref.Blob
		d.want.Blobs++
		blob, err := d.load(ctx, ref.Blob)
		if blob != nil && blob.Deferral() != nil {
			d.want.DeferredBytes += blob.Length()
			d.needOrigin(blob.Deferral().Origin)
		} else if blob != nil {
			d.want.BlobBytes += blob.Length()
		}
		return err
	})
	if err == nil && n != d.refs {
		d.find("there are %d references to attachments where the documents name %d", n, d.refs)
	}
	return err
}

// load opens a blob, nil for one that cannot be read.
func (d *database) load(ctx context.Context, id couch.BlobID) (blob *attachments.Blob, err error) {
	err = d.view(d.partition)(ctx, func(r kv.Reader) (err error) {
		blob, err = d.blobs.Load(ctx, r, id)
		return err
	})
	if errors.Is(err, couch.ErrNotFound) || errors.Is(err, couch.ErrCorrupt) {
		return nil, nil
	}
	return blob, err
}

// contents checks that every blob is whole, and that none is there without a
// reference.
func (d *database) contents(ctx context.Context) error {
	checked, err := d.blobs.Check(ctx, d.view(d.partition), func(p attachments.Problem) {
		if !errors.Is(p.Err, attachments.ErrOrphan) {
			d.find("%v", cause(p.Err))
		}
	})
	if err != nil {
		return schema.DomainError(err)
	}
	n := int64(checked.Blobs)
	d.counts.Blobs += n
	if n != d.want.Blobs {
		d.find("there are %d blobs where the documents name %d", n, d.want.Blobs)
	}
	return nil
}
