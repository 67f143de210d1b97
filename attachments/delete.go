package attachments

import (
	"errors"
	"io/fs"

	"settle/storage/couch"
	"settle/storage/kv"
)

// Delete removes a blob's record, and a small blob with it. Once the Update has
// returned, give the id to RemoveFiles. It may be called again when the
// transaction runs again.
func (b *Blobs) Delete(tx kv.Tx, id couch.BlobID) { tx.Delete(b.recordKey(id)) }

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
