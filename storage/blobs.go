package storage

import (
	"context"
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
	p, err := db.blobs.Write(ctx, db.store.guarded(r), max)
	return p, schema.DomainError(err)
}

// guarded returns r, which ends with an error before what it gives would fill
// the disk.
func (s *Store) guarded(r io.Reader) io.Reader {
	if g, ok := s.kv.(kv.SpaceGuard); ok {
		return &spaceReader{r: r, guard: g}
	}
	return r
}

// spaceReader asks for room in portions, ahead of what it gives.
type spaceReader struct {
	r     io.Reader
	guard kv.SpaceGuard
	room  int
}

const roomPortion = 1 << 20

func (s *spaceReader) Read(b []byte) (int, error) {
	if s.room <= 0 {
		if err := s.guard.Room(roomPortion); err != nil {
			return 0, err
		}
		s.room = roomPortion
	}
	n, err := s.r.Read(b)
	s.room -= n
	return n, err
}

// OpenBlob opens the content of an attachment of a stored document. The error is
// ErrNotFound where it was removed since the document was read.
func (db *Database) OpenBlob(ctx context.Context, a couch.Attachment) (*attachments.Blob, error) {
	var blob *attachments.Blob
	err := db.view(ctx, func(r kv.Reader, _ *schema.Meta) error {
		var err error
		blob, err = db.blobs.Load(ctx, r, a.Blob)
		return err
	})
	return blob, err
}

// removeFiles removes the files of blobs whose records are gone. Where it fails
// a sweep does it.
func (db *Database) removeFiles(ids []couch.BlobID) {
	if err := db.blobs.RemoveFiles(ids...); err != nil {
		db.store.log.Warn("a blob file could not be removed; a sweep will", "error", err)
	}
}
