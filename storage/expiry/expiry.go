// Package expiry removes uploads that no document has used in time. A row for each, in
// a partition of its own, says when it is to be looked at; the upload itself says when it
// expires.
package expiry

import (
	"context"
	"errors"
	"time"

	"settle/attachments"
	"settle/storage/couch"
	"settle/storage/crypt"
	"settle/storage/kv"
	"settle/storage/schema"
)

// Uploads are those of all databases. All fields must be set.
type Uploads struct {
	KV    kv.Store
	Key   func(context.Context, kv.Partition) (*crypt.DatabaseKey, error)
	Blobs func(kv.Partition, *crypt.DatabaseKey) *attachments.Blobs
	Meta  func(context.Context, kv.Reader) (*schema.Meta, error) // of a database
	Now   func() time.Time
}

// Note notes when an upload of a database is to be looked at. The error is the store's.
func (u Uploads) Note(ctx context.Context, p kv.Partition, upload couch.Upload) error {
	return u.KV.Update(ctx, schema.UploadsPartition, func(tx kv.Tx) error {
		tx.Set(schema.ExpiryKey(schema.Expiry{At: upload.Expires, Database: p, ID: upload.ID}), nil)
		return nil
	})
}

// Expire removes the uploads that have expired, with their files. Those to which
// something is being appended are left to the next call. The error is the first one; it
// goes on behind it.
func (u Uploads) Expire(ctx context.Context) error {
	var first error
	view := func(ctx context.Context, fn func(kv.Reader) error) error {
		return u.KV.View(ctx, schema.UploadsPartition, fn)
	}
	past := kv.Range{Hi: schema.ExpiryKey(schema.Expiry{At: u.Now().Add(time.Second)})}
	for row, err := range kv.Pages(ctx, view, past) {
		if err != nil {
			return err
		}
		if err := u.look(ctx, row.Key); err != nil && first == nil {
			first = err
		}
	}
	return first
}

// look looks at an upload, and again later where it has been added to.
func (u Uploads) look(ctx context.Context, key []byte) error {
	e, ok := schema.ParseExpiryKey(key)
	if !ok {
		return schema.Corrupt("row of an upload's expiry")
	}
	err := u.expire(ctx, e)
	if err == error(attachments.ErrUploadBusy) {
		return nil
	}
	if err != nil && !errors.Is(err, couch.ErrNotFound) && !errors.Is(err, couch.ErrDatabaseMissing) {
		return err
	}
	return u.KV.Update(ctx, schema.UploadsPartition, func(tx kv.Tx) error {
		tx.Delete(key)
		return nil
	}, kv.Freeing)
}

// expire removes an upload, unless it has been added to meanwhile: then it is noted anew.
// The error is ErrNotFound or ErrDatabaseMissing where there is none, and ErrUploadBusy.
func (u Uploads) expire(ctx context.Context, e schema.Expiry) error {
	key, err := u.Key(ctx, e.Database)
	if err != nil {
		return schema.DomainError(err)
	}
	blobs := u.Blobs(e.Database, key)
	unlock, err := blobs.LockUpload(e.ID)
	if err != nil {
		return err
	}
	defer unlock()
	var later *couch.Upload
	err = u.KV.Update(ctx, e.Database, func(tx kv.Tx) (err error) {
		later, err = u.remove(ctx, tx, blobs, e.ID)
		return err
	}, kv.Freeing)
	switch {
	case err != nil:
		return schema.DomainError(err)
	case later != nil:
		return u.Note(ctx, e.Database, *later)
	}
	return blobs.RemoveFiles(e.ID)
}

// remove removes an upload in a transaction, or returns it where its time has not come.
func (u Uploads) remove(ctx context.Context, tx kv.Tx, blobs *attachments.Blobs, id couch.BlobID) (later *couch.Upload, err error) {
	m, err := u.Meta(ctx, tx)
	if err != nil {
		return nil, err
	}
	upload, err := blobs.LoadUpload(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	if upload.Expires.After(u.Now()) {
		return &upload.Upload, nil
	}
	blobs.DeleteUpload(tx, id)
	m.RemoveUpload(upload.Upload)
	tx.Set(schema.MetaKey(), m.Encode())
	return nil, nil
}
