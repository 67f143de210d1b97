package attachments

import (
	"context"

	"settle/storage/couch"
	"settle/storage/kv"
)

// AdmitUpload returns a couch.ErrOverQuota where a database of the quota has no room for
// another upload of so many bytes, beside all that the others may still become. Errors
// too: couch.ErrCorrupt, and those of the reader.
func (b *Blobs) AdmitUpload(ctx context.Context, rd kv.Reader, q couch.Quota, length int64) error {
	if q.Max == couch.NoQuota || length == 0 {
		return nil
	}
	if err := q.Admits(length); err != nil {
		return err
	}
	others := kv.Range{Lo: b.uploads, Hi: prefixEnd(b.uploads)}
	for row, err := range rd.Scan(ctx, others) {
		if err != nil {
			return err
		}
		var id couch.BlobID
		copy(id[:], row.Key[len(b.uploads):])
		u, err := b.openUpload(id, row.Value)
		if err != nil {
			return corrupt(id, err)
		}
		length += u.Length
		if err := q.Admits(length); err != nil {
			return err
		}
	}
	return nil
}
