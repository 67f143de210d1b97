package storage

import (
	"context"
	"errors"
	"io"

	"settle/attachments"
	"settle/storage/couch"
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

// guarded returns r, which ends with an error before what it gives would fill
// the disk, and what is called when that is written.
func (s *Store) guarded(r io.Reader) (guarded io.Reader, release func()) {
	if g, ok := s.kv.(kv.SpaceGuard); ok {
		sr := &spaceReader{r: r, guard: g, release: func() {}}
		return sr, func() { sr.release() }
	}
	return r, func() {}
}

// spaceReader asks for room in portions, ahead of what it gives.
type spaceReader struct {
	r       io.Reader
	guard   kv.SpaceGuard
	room    int
	release func() // of the portion in use
}

const roomPortion = 1 << 20

func (s *spaceReader) Read(b []byte) (int, error) {
	if s.room <= 0 {
		s.release() // it is written, but for what the writer holds
		release, err := s.guard.Room(roomPortion)
		if err != nil {
			return 0, err
		}
		s.room, s.release = roomPortion, release
	}
	n, err := s.r.Read(b)
	s.room -= n
	return n, err
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
// length means all that follow. The caller closes what it returns. The error is
// ErrNotFound where the content was removed since the document was read, else as
// of [attachments.Blob.Reader].
func (db *Database) ReadBlob(ctx context.Context, a couch.Attachment, offset, length int64) (io.ReadCloser, error) {
	blob, err := db.OpenBlob(ctx, a)
	if err != nil {
		return nil, err
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

// removeFiles removes the files of blobs whose records are gone. Where it fails
// a sweep does it.
func (db *Database) removeFiles(ids []couch.BlobID) {
	if err := db.blobs.RemoveFiles(ids...); err != nil {
		db.store.log.Warn("a blob file could not be removed; a sweep will", "error", err)
	}
}
