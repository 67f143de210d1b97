package check

import (
	"context"
	"fmt"

	"settle/attachments"
	"settle/storage/couch"
	"settle/storage/crypt"
	"settle/storage/kv"
	"settle/storage/schema"
)

// database is the check of one database. It adds up what the by-id rows say, and
// holds the other rows and the totals against it.
type database struct {
	*checker
	name      string
	partition kv.Partition
	key       *crypt.DatabaseKey
	blobs     *attachments.Blobs
	meta      *schema.Meta

	want   schema.Meta               // what the totals should be
	count  map[schema.SeqBlock]int64 // what the counts of by-seq should be
	bodies int64                     // that the trees name
	refs   int64                     // to attachments, that the bodies name
	leaves int64                     // blobs that leaves name, for each document
	origin map[couch.OriginID]bool   // of deferred contents
}

func (d *database) run(ctx context.Context) error {
	for _, step := range []func(context.Context) error{
		d.documents, d.sequences, d.seqCounts, d.bodyRows, d.localDocs, d.references, d.leafBlobs, d.kept, d.contents, d.equalContents, d.uploads, d.origins, d.purges, d.hours, d.receipts, d.strangers,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	d.totals()
	return nil
}

func (d *database) find(format string, args ...any) {
	d.checker.find(d.name, format, args...)
}

// each calls fn with every row of a kind.
func (d *database) each(ctx context.Context, kind byte, fn func(kv.KV) error) error {
	for row, err := range d.rows(ctx, d.partition, schema.All(kind)) {
		if err != nil {
			return err
		}
		if err := fn(row); err != nil {
			return err
		}
	}
	return nil
}

// localDocs checks that every local document opens.
func (d *database) localDocs(ctx context.Context) error {
	return d.each(ctx, schema.KindLocal, func(row kv.KV) error {
		d.counts.LocalDocs++
		id := couch.DocID(row.Key[1:])
		_, err := schema.OpenLocal(d.key, id, row.Value)
		return d.damage(d.name, fmt.Sprintf("local document %q", id), err)
	})
}

// strangers looks for rows between those that belong there.
func (d *database) strangers(ctx context.Context) error {
	between := kv.Range{Limit: 1}
	look := func() error {
		for _, err := range d.rows(ctx, d.partition, between) {
			if err != nil {
				return err
			}
			d.find("it has a row of no known kind")
		}
		return nil
	}
	for _, known := range schema.DatabaseRows() {
		between.Hi = known.Lo
		if err := look(); err != nil {
			return err
		}
		between.Lo = known.Hi
	}
	between.Hi = nil
	return look()
}

// totals holds the meta row against what was added up.
func (d *database) totals() {
	d.counts.Bytes += d.want.BodyBytes + d.want.BlobBytes
	for _, t := range []struct {
		name      string
		got, want int64
	}{
		{"documents", d.meta.DocCount, d.want.DocCount},
		{"deleted documents", d.meta.DeletedCount, d.want.DeletedCount},
		{"active bytes", d.meta.ActiveBytes, d.want.ActiveBytes},
		{"bytes of attachments", d.meta.AttBytes, d.want.AttBytes},
		{"body bytes", d.meta.BodyBytes, d.want.BodyBytes},
		{"blobs", d.meta.Blobs, d.want.Blobs},
		{"blob bytes", d.meta.BlobBytes, d.want.BlobBytes},
		{"deferred bytes", d.meta.DeferredBytes, d.want.DeferredBytes},
		{"kept bytes", d.meta.KeptBytes, d.want.KeptBytes},
		{"bytes of current contents", d.meta.LeafBlobBytes, d.want.LeafBlobBytes},
		{"uploads", d.meta.Uploads, d.want.Uploads},
		{"bytes of uploads", d.meta.UploadBytes, d.want.UploadBytes},
	} {
		if t.got != t.want {
			d.find("it counts %d %s, and has %d", t.got, t.name, t.want)
		}
	}
}
