package attachments

import (
	"context"
	"errors"
	"io/fs"

	"settle/storage/couch"
	"settle/storage/kv"
)

// Delete removes a blob's record, a small blob with it, and the rows that find its
// content. Once the Update has returned, give the id to RemoveFiles. It may be called
// again when the transaction runs again. The error is the reader's.
func (b *Blobs) Delete(ctx context.Context, tx kv.Tx, id couch.BlobID) error {
	rows, err := tx.GetMulti(ctx, b.recordKey(id))
	if err != nil {
		return err
	}
	tx.Delete(b.recordKey(id))
	if rec, err := decodeRecord(rows[0]); err == nil {
		b.deleteContent(tx, &rec, id)
	}
	return nil
}

func (b *Blobs) deleteContent(tx kv.Tx, r *record, id couch.BlobID) {
	if b.contents != nil && r.tag != (Tag{}) {
		tx.Delete(b.contentKey(r.digest, r.tag))
	}
	if b.starts != nil && r.start != (start{}) {
		tx.Delete(b.startKey(r.start, id))
	}
}

// RemoveFiles removes the files of blobs whose records are gone, durably. Ids of
// small blobs may be among them. It goes on after an error, and returns the
// first one; Sweep removes what it leaves. Who has a file open can read on.
func (b *Blobs) RemoveFiles(ids ...couch.BlobID) error {
	var first error
	for _, id := range ids {
		if err := b.store.remove(b.id, id); err != nil && first == nil {
			first = err
		}
	}
	return first
}

func (s *Store) remove(p kv.Partition, id couch.BlobID) error {
	if !s.doom(p, id) {
		return nil
	}
	defer s.forget(p, id)
	if err := s.fs.Remove(s.path(p, id)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fileError(err)
	}
	return nil
}

// DropDatabase removes the files of a dropped database. Its directory row has to
// be gone. Uploads that still go on there fail, or leave what Sweep removes.
func (s *Store) DropDatabase(p kv.Partition) error {
	s.forgetDirs(p)
	if err := s.fs.RemoveAll(s.partitionDir(p)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fileError(err)
	}
	return nil
}
