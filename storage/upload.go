package storage

import (
	"context"
	"errors"
	"io"
	"strings"

	"settle/attachments"
	"settle/storage/couch"
	"settle/storage/expiry"
	"settle/storage/kv"
	"settle/storage/schema"
)

// CreateUpload makes an upload, of which nothing has come; what u says but ID and Offset
// is the caller's. From when it returns it is there after a crash too, until it expires.
// Errors: an OverQuota where the quota has no room for it beside the other uploads, or
// there are too many, an AttachmentTooLarge, NoSpace, ErrDatabaseMissing.
func (db *Database) CreateUpload(ctx context.Context, u couch.Upload) (couch.Upload, error) {
	made := attachments.NewUpload()
	u.ID, u.Offset = made.ID, 0
	made.Upload = u
	if u.Length > attachments.MaxLength {
		return couch.Upload{}, couch.Errorf(couch.AttachmentTooLarge, "The attachment is larger than %d bytes.", int64(attachments.MaxLength))
	}
	// Before anything is written, and again when others were made meanwhile.
	err := db.view(ctx, func(_ kv.Reader, m *schema.Meta) error { return m.AdmitUpload(u) })
	if err != nil {
		return couch.Upload{}, err
	}
	if err := db.store.expiry().Note(ctx, db.rec.Partition, u); err != nil {
		return couch.Upload{}, schema.DomainError(err)
	}
	err = db.update(ctx, func(tx kv.Tx, m *schema.Meta) error {
		if err := m.AdmitUpload(u); err != nil {
			return err
		}
		m.AddUpload(u)
		db.blobs.SaveUpload(tx, made)
		return nil
	})
	if err == nil && u.Length == 0 { // its one chunk is empty
		u, err = db.AppendUpload(ctx, u, strings.NewReader(""))
	}
	return u, err
}

// Upload reads an upload of an owner. The error is ErrNotFound, also where it is another's or has expired.
func (db *Database) Upload(ctx context.Context, id couch.BlobID, owner string) (couch.Upload, error) {
	u, err := db.loadUpload(ctx, id, owner)
	if err != nil {
		return couch.Upload{}, err
	}
	return u.Upload, nil
}

func (db *Database) loadUpload(ctx context.Context, id couch.BlobID, owner string) (u *attachments.Upload, err error) {
	err = db.view(ctx, func(r kv.Reader, _ *schema.Meta) error {
		u, err = db.blobs.LoadUpload(ctx, r, id)
		if err == nil && (u.Owner != owner || !u.Expires.After(db.store.now())) {
			err = couch.ErrNotFound
		}
		return err
	})
	return u, err
}

// AppendUpload appends what r gives to an upload, behind u.Offset, where it has to end;
// u.Expires is when it expires from then on. It returns the upload as it is on disk,
// also with an error, if it has read it: all that came before an error of r, or the end of ctx, is. Errors:
// a Conflict where the upload ends elsewhere, [attachments.ErrUploadBusy], ErrNotFound
// where it was removed or has expired, NoSpace, and those of r.
func (db *Database) AppendUpload(ctx context.Context, u couch.Upload, r io.Reader) (couch.Upload, error) {
	unlock, err := db.blobs.LockUpload(u.ID)
	if err != nil {
		return u, err
	}
	defer unlock()
	stored, err := db.loadUpload(ctx, u.ID, u.Owner)
	if err != nil {
		return u, err
	}
	if stored.Offset != u.Offset {
		return stored.Upload, couch.Errorf(couch.Conflict, "The upload has %d bytes.", stored.Offset)
	}
	blobs, err := db.sealing(ctx)
	if err != nil {
		return stored.Upload, err
	}
	stored.Expires = u.Expires
	r, release := kv.Guarded(db.store.kv, r)
	defer release()
	durable := stored.Upload
	err = blobs.Append(ctx, stored, r, func(now *attachments.Upload) error {
		err := db.saveUpload(context.WithoutCancel(ctx), now)
		if err == nil {
			durable = now.Upload
		}
		return err
	})
	if errors.Is(err, couch.ErrNotFound) {
		db.removeReturned(context.WithoutCancel(ctx), u.ID)
	}
	return durable, schema.DomainError(err)
}

// removeReturned removes the file of an upload that was removed, which may have come
// back; not that of one that was used, which is a blob's. Where it fails a sweep does it.
func (db *Database) removeReturned(ctx context.Context, id couch.BlobID) {
	var exist []bool
	err := db.view(ctx, func(r kv.Reader, _ *schema.Meta) (err error) {
		exist, err = db.blobs.Exist(ctx, r, id)
		return err
	})
	if err == nil && !exist[0] { // and no id comes again
		db.removeFiles([]couch.BlobID{id})
	}
}

// saveUpload stores an upload that is still there.
func (db *Database) saveUpload(ctx context.Context, u *attachments.Upload) error {
	return db.update(ctx, func(tx kv.Tx, _ *schema.Meta) error {
		if _, err := db.blobs.LoadUpload(ctx, tx, u.ID); err != nil {
			return err
		}
		db.blobs.SaveUpload(tx, u)
		return nil
	})
}

// RemoveUpload removes an upload of an owner. The error is ErrNotFound.
func (db *Database) RemoveUpload(ctx context.Context, id couch.BlobID, owner string) error {
	err := db.update(ctx, func(tx kv.Tx, m *schema.Meta) error {
		u, err := db.blobs.LoadUpload(ctx, tx, id)
		if err == nil && u.Owner != owner {
			err = couch.ErrNotFound
		}
		if err == nil {
			db.blobs.DeleteUpload(tx, id)
			m.RemoveUpload(u.Upload)
		}
		return err
	}, kv.Freeing)
	if err == nil {
		db.removeFiles([]couch.BlobID{id})
	}
	return err
}

// TakeUpload returns a complete upload of an owner as the new content of an attachment.
// The write of a document that has it uses it up; discarded it stays an upload. Errors:
// ErrNotFound, and a BadRequest for one that is not complete.
func (db *Database) TakeUpload(ctx context.Context, id couch.BlobID, owner string) (*attachments.Pending, error) {
	blobs, err := db.sealing(ctx)
	if err != nil {
		return nil, err
	}
	u, err := db.loadUpload(ctx, id, owner)
	if err != nil {
		return nil, err
	}
	return blobs.Uploaded(u)
}

// ExpireUploads removes the uploads that have expired, of all databases. The error is
// the first one; it goes on behind it.
func (s *Store) ExpireUploads(ctx context.Context) error {
	return schema.DomainError(s.expiry().Expire(ctx))
}

func (s *Store) expiry() expiry.Uploads {
	return expiry.Uploads{KV: s.kv, Key: s.directory.Key, Blobs: s.blobsOf, Meta: readMeta, Now: s.now}
}
