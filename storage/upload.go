package storage

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"settle/attachments"
	"settle/storage/couch"
	"settle/storage/kv"
	"settle/storage/schema"
)

// CreateUpload makes an upload, of which nothing has come; what u says but ID and Offset
// is the caller's. From when it returns it is there after a crash too, until it expires.
// Errors: an OverQuota where the quota has no room for it beside the other uploads,
// NoSpace, ErrDatabaseMissing.
func (db *Database) CreateUpload(ctx context.Context, u couch.Upload) (couch.Upload, error) {
	made := attachments.NewUpload()
	u.ID, u.Offset = made.ID, 0
	made.Upload = u
	admit := func(r kv.Reader, m *schema.Meta) error { return db.blobs.AdmitUpload(ctx, r, m.Quota(), u.Length) }
	if err := db.view(ctx, admit); err != nil { // before anything is written
		return couch.Upload{}, err
	}
	if err := db.store.noteExpiry(ctx, db.rec.Partition, u); err != nil {
		return couch.Upload{}, err
	}
	err := db.update(ctx, func(tx kv.Tx, m *schema.Meta) error {
		db.blobs.SaveUpload(tx, made)
		return admit(tx, m) // again: others were made meanwhile
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
// also with an error: all that came before an error of r, or the end of ctx, is. Errors:
// a Conflict where the upload ends elsewhere, [attachments.ErrUploadBusy], ErrNotFound
// where it was removed or has expired, NoSpace, and those of r.
func (db *Database) AppendUpload(ctx context.Context, u couch.Upload, r io.Reader) (couch.Upload, error) {
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
	if errors.Is(err, couch.ErrNotFound) { // and the file may have come back
		db.removeFiles([]couch.BlobID{u.ID})
	}
	return durable, schema.DomainError(err)
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
	err := db.update(ctx, func(tx kv.Tx, _ *schema.Meta) error {
		u, err := db.blobs.LoadUpload(ctx, tx, id)
		if err == nil && u.Owner != owner {
			err = couch.ErrNotFound
		}
		if err == nil {
			db.blobs.DeleteUpload(tx, id)
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

// noteExpiry notes when an upload is to be looked at.
func (s *Store) noteExpiry(ctx context.Context, p kv.Partition, u couch.Upload) error {
	return schema.DomainError(s.kv.Update(ctx, schema.UploadsPartition, func(tx kv.Tx) error {
		tx.Set(schema.ExpiryKey(schema.Expiry{At: u.Expires, Database: p, ID: u.ID}), nil)
		return nil
	}))
}

// ExpireUploads removes the uploads that have expired, of all databases. The error is
// the first one; it goes on behind it.
func (s *Store) ExpireUploads(ctx context.Context) error {
	var first error
	past := kv.Range{Hi: schema.ExpiryKey(schema.Expiry{At: s.now().Add(time.Second)})}
	for row, err := range kv.Pages(ctx, s.view(schema.UploadsPartition), past) {
		if err != nil {
			return err
		}
		if err := s.expire(ctx, row.Key); err != nil && first == nil {
			first = err
		}
	}
	return first
}

// expire looks at an upload, and again later where it has been added to.
func (s *Store) expire(ctx context.Context, key []byte) error {
	e, ok := schema.ParseExpiryKey(key)
	if !ok {
		return schema.Corrupt("row of an upload's expiry")
	}
	err := s.expireUpload(ctx, e)
	if err != nil && !errors.Is(err, couch.ErrNotFound) && !errors.Is(err, couch.ErrDatabaseMissing) {
		return schema.DomainError(err)
	}
	return schema.DomainError(s.kv.Update(ctx, schema.UploadsPartition, func(tx kv.Tx) error {
		tx.Delete(key)
		return nil
	}, kv.Freeing))
}

// expireUpload removes an upload, unless it has been added to meanwhile. The error is
// ErrNotFound or ErrDatabaseMissing where there is none.
func (s *Store) expireUpload(ctx context.Context, e schema.Expiry) error {
	key, err := s.directory.Key(ctx, e.Database)
	if err != nil {
		return schema.DomainError(err)
	}
	blobs, later := s.blobsOf(e.Database, key), couch.Upload{}
	err = schema.DomainError(s.kv.Update(ctx, e.Database, func(tx kv.Tx) error {
		later = couch.Upload{}
		if _, err := readMeta(ctx, tx); err != nil {
			return err
		}
		u, err := blobs.LoadUpload(ctx, tx, e.ID)
		switch {
		case err != nil:
			return err
		case u.Expires.After(s.now()):
			later = u.Upload
		default:
			blobs.DeleteUpload(tx, e.ID)
		}
		return nil
	}, kv.Freeing))
	switch {
	case err != nil:
		return err
	case later.ID == e.ID:
		return s.noteExpiry(ctx, e.Database, later)
	}
	return blobs.RemoveFiles(e.ID)
}
