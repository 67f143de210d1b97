package storage

import (
	"context"
	"errors"
	"fmt"

	"settle/attachments"
	"settle/storage/couch"
	"settle/storage/kv"
)

// contents checks that every blob opens, and that records and attachments agree.
// Files without a record are no finding: a crash leaves them to the sweep.
func (d *dbChecker) contents(ctx context.Context) error {
	checked, err := d.db.blobs.Check(ctx, d.db.reader, func(p attachments.Problem) {
		if !errors.Is(p.Err, attachments.ErrOrphan) {
			d.finding("blob %s: %v", p.Blob, p.Err)
		}
	})
	if err != nil {
		return domainError(err)
	}
	d.checker.counts.Blobs += int64(checked.Blobs)
	for id, a := range d.blobs {
		d.want.blobs++
		d.want.blobBytes += a.Length
		if err := d.content(ctx, id, a); err != nil {
			return err
		}
	}
	if int64(checked.Blobs) != d.want.blobs {
		d.finding("there are %d blobs where the documents name %d", checked.Blobs, d.want.blobs)
	}
	return nil
}

// content holds a blob's record against the attachment that refers to it.
func (d *dbChecker) content(ctx context.Context, id couch.BlobID, a couch.Attachment) error {
	err := d.db.view(ctx, func(r kv.Reader, _ *meta) error {
		blob, err := d.db.blobs.Load(ctx, r, id)
		if errors.Is(err, couch.ErrNotFound) {
			d.finding("attachment %q: its blob %s is not there", a.Name, id)
			return nil
		}
		if err == nil && (blob.Length() != a.Length || blob.Digest() != a.Digest) {
			d.finding("attachment %q: its blob %s has another length or digest", a.Name, id)
		}
		return err
	})
	return d.damage(d.db.name, fmt.Sprintf("blob %s", id), err)
}
