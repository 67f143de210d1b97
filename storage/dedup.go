package storage

import (
	"context"
	"io"
	"sync"

	"settle/attachments"
	"settle/storage/couch"
	"settle/storage/crypt"
	"settle/storage/kv"
	"settle/storage/schema"
)

// dedup is the key of a database's equal contents, once it was used.
type dedup struct {
	mu  sync.Mutex
	key *attachments.DedupKey
}

// blobsOf returns the blobs of a partition. What is written with them is not found
// again as an equal content: see sealing.
func (s *Store) blobsOf(p kv.Partition, key *crypt.DatabaseKey) *attachments.Blobs {
	blobs := s.blobs.Database(p, key, []byte{schema.KindBlob})
	return blobs.Deduplicating([]byte{schema.KindContent}, []byte{schema.KindStart}, nil).Uploading([]byte{schema.KindUpload})
}

// sealing returns the database's blobs with the key that finds equal contents, which
// it makes with the first content of the database.
func (db *Database) sealing(ctx context.Context) (*attachments.Blobs, error) {
	db.dedup.mu.Lock()
	defer db.dedup.mu.Unlock()
	if db.dedup.key == nil {
		var key *attachments.DedupKey
		err := db.view(ctx, func(r kv.Reader, _ *schema.Meta) (err error) {
			key, err = db.loadDedupKey(ctx, r)
			return err
		})
		if err == nil && key == nil {
			key, err = db.makeDedupKey(ctx)
		}
		if err != nil {
			return nil, err
		}
		db.dedup.key = key
	}
	return db.blobs.Deduplicating([]byte{schema.KindContent}, []byte{schema.KindStart}, db.dedup.key), nil
}

// loadDedupKey returns the key, nil where there is none yet.
func (db *Database) loadDedupKey(ctx context.Context, r kv.Reader) (*attachments.DedupKey, error) {
	row, err := kv.GetOne(ctx, r, schema.DedupKeyKey())
	if err != nil || row == nil {
		return nil, err
	}
	return attachments.OpenDedupKey(db.key, row)
}

// makeDedupKey makes the key, unless somebody else has.
func (db *Database) makeDedupKey(ctx context.Context) (key *attachments.DedupKey, err error) {
	err = db.update(ctx, func(tx kv.Tx, _ *schema.Meta) (err error) {
		if key, err = db.loadDedupKey(ctx, tx); err == nil && key == nil {
			key = attachments.NewDedupKey()
			tx.Set(schema.DedupKeyKey(), key.Seal(db.key))
		}
		return err
	})
	return key, err
}

// WriteBlobLike is WriteBlob of content that has the digest, as the client says; zero
// where it says none. It is compared, as it comes, with the contents of the database that
// have the digest or else start alike, and where it is equal to one nothing is written.
func (db *Database) WriteBlobLike(ctx context.Context, r io.Reader, max int64, digest couch.Digest) (*attachments.Pending, error) {
	blobs, err := db.sealing(ctx)
	if err != nil {
		return nil, err
	}
	find := func(hint attachments.Hint) (like []*attachments.Blob, err error) {
		err = db.view(ctx, func(rd kv.Reader, _ *schema.Meta) error {
			like, err = blobs.Like(ctx, rd, hint)
			return err
		})
		return like, err
	}
	r, release := kv.Guarded(db.store.kv, r)
	defer release()
	p, err := blobs.WriteLike(ctx, r, max, digest, find)
	return p, schema.DomainError(err)
}
