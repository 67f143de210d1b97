package storage

import (
	"context"
	"errors"
	"io"

	"settle/attachments"
	"settle/storage/couch"
	"settle/storage/deferred"
	"settle/storage/kv"
	"settle/storage/schema"
)

// WriteBlob reads new content to its end and stores it, sealed, as it comes; max
// is its greatest length in bytes, 0 for none. It belongs to no document yet:
// the caller puts it into an attachment of a document that it writes, or
// discards it. After a crash, or an error, nothing of it is left. Errors:
// AttachmentTooLarge, NoSpace, and those of r.
func (db *Database) WriteBlob(ctx context.Context, r io.Reader, max int64) (*attachments.Pending, error) {
	return db.WriteBlobLike(ctx, r, max, couch.Digest{})
}

// OpenBlob opens the content of an attachment of a stored document. The error is
// ErrNotFound where it was removed since the document was read. Its Reader may
// find the file removed meanwhile; ReadBlob tells that from damage.
func (db *Database) OpenBlob(ctx context.Context, a couch.Attachment) (*attachments.Blob, error) {
	var blob *attachments.Blob
	err := db.view(ctx, func(r kv.Reader, _ *schema.Meta) error {
		var err error
		blob, err = db.blobs.Load(ctx, r, a.Blob)
		return err
	})
	return blob, err
}

// ReadBlob reads length bytes of an attachment's content from offset on; a negative
// length means all that follow. A deferred content is fetched, see [deferred.Contents.Open].
// The caller closes what it returns. The error is
// ErrNotFound where the content was removed since the document was read, else as
// of [attachments.Blob.Reader] or deferred.Contents.Open.
func (db *Database) ReadBlob(ctx context.Context, a couch.Attachment, offset, length int64) (io.ReadCloser, error) {
	blob, err := db.OpenBlob(ctx, a)
	if err != nil {
		return nil, err
	}
	if blob.Deferral() != nil {
		return db.store.deferred.Open(ctx, db.deferring(), blob, offset, length)
	}
	r, err := blob.Reader(offset, length)
	if errors.Is(err, attachments.ErrFileMissing) {
		// The file goes after the record, which tells damage from removal.
		if _, gone := db.OpenBlob(ctx, a); gone != nil {
			return nil, gone
		}
	}
	if err != nil {
		return nil, err
	}
	return r, nil
}

// PutOrigin stores how the origin of deferred contents is reached; see
// [deferred.PutOrigin].
func (db *Database) PutOrigin(ctx context.Context, id couch.OriginID, text []byte) (row []byte, err error) {
	return deferred.PutOrigin(ctx, db.deferring(), id, text)
}

// Ready returns once the contents of attachments of a stored document can be read without
// being fetched. The error is Gone or Away where one cannot be had, and ErrNotFound where
// one was removed.
func (db *Database) Ready(ctx context.Context, atts []couch.Attachment) error {
	for _, a := range atts {
		if _, err := db.ContentDigest(ctx, a); err != nil {
			return err
		}
	}
	return nil
}

// ContentDigest returns the MD5 of an attachment's content, which is not its Digest
// where that is Encoded. A deferred content is fetched, see [deferred.Contents.Digest].
func (db *Database) ContentDigest(ctx context.Context, a couch.Attachment) (couch.Digest, error) {
	isDeferred := false
	err := db.view(ctx, func(r kv.Reader, _ *schema.Meta) (err error) {
		isDeferred, err = db.blobs.IsDeferred(ctx, r, a.Blob)
		return err
	})
	if err != nil || !isDeferred {
		return a.Digest, err
	}
	blob, err := db.OpenBlob(ctx, a)
	if err != nil || blob.Deferral() == nil {
		return a.Digest, err
	}
	return db.store.deferred.Digest(ctx, db.deferring(), blob)
}

func (db *Database) deferring() *deferred.DB {
	return &deferred.DB{
		Partition: db.rec.Partition, Key: db.key, Blobs: db.blobs,
		View: db.view, Update: db.update, RemoveFiles: db.removeFiles,
	}
}

// removeFiles removes the files of blobs whose records are gone. Where it fails
// a sweep does it.
func (db *Database) removeFiles(ids []couch.BlobID) {
	if err := db.blobs.RemoveFiles(ids...); err != nil {
		db.store.log.Warn("a blob file could not be removed; a sweep will", "error", err)
	}
}
