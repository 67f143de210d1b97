package attachments

import (
	"encoding/hex"
	"errors"
	"io/fs"

	"settle/storage/couch"
	"settle/storage/kv"
)

// maxDurableDirs bounds what is remembered of directories; a forgotten one costs
// a sync more.
const maxDurableDirs = 1 << 16

func (s *Store) partitionDir(p kv.Partition) string {
	return s.fs.PathJoin(s.root, hex.EncodeToString(p[:]))
}

// shardDir is the directory of a blob's file; its name is one of 256, so that no
// directory gets too long to list.
func (s *Store) shardDir(p kv.Partition, id couch.BlobID) string {
	return s.fs.PathJoin(s.partitionDir(p), hex.EncodeToString(id[:1]))
}

func (s *Store) path(p kv.Partition, id couch.BlobID) string {
	return s.fs.PathJoin(s.shardDir(p, id), id.String())
}

// makeDir makes the directory of a blob's file. When it returns, the names of
// the directory and of those above it, up to the root, are on disk.
func (s *Store) makeDir(p kv.Partition, id couch.BlobID) error {
	shard := s.shardDir(p, id)
	if s.isDurable(shard) {
		return nil
	}
	if err := s.fs.MkdirAll(shard, 0o700); err != nil {
		return err
	}
	for _, dir := range []string{shard, s.partitionDir(p), s.root} {
		if s.isDurable(dir) {
			break
		}
		if err := s.syncDir(s.fs.PathDir(dir)); err != nil {
			return err
		}
	}
	s.setDurable(shard, s.partitionDir(p), s.root)
	return nil
}

func (s *Store) isDurable(dir string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.durableDirs[dir]
	return ok
}

func (s *Store) setDurable(dirs ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.durableDirs) >= maxDurableDirs {
		clear(s.durableDirs)
	}
	for _, dir := range dirs {
		s.durableDirs[dir] = struct{}{}
	}
}

// forgetDirs forgets what is known of a partition's directories.
func (s *Store) forgetDirs(p kv.Partition) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.durableDirs, s.partitionDir(p))
	for i := range 256 {
		delete(s.durableDirs, s.shardDir(p, couch.BlobID{byte(i)}))
	}
}

func (s *Store) syncDir(dir string) error {
	f, err := s.fs.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// list returns the names in a directory; none where there is no such directory.
func (s *Store) list(dir string) ([]string, error) {
	names, err := s.fs.List(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return names, err
}

// files calls fn with the ids of the partition's files, a batch at a time.
// Names that are none of a blob's are left out.
func (s *Store) files(p kv.Partition, fn func([]couch.BlobID) error) error {
	for i := range 256 {
		names, err := s.list(s.shardDir(p, couch.BlobID{byte(i)}))
		if err != nil {
			return fileError(err)
		}
		var batch []couch.BlobID
		for _, name := range names {
			if id, ok := parseFileName(name); ok && id[0] == byte(i) {
				batch = append(batch, id)
			}
		}
		for len(batch) > 0 {
			n := min(len(batch), filesBatch)
			if err := fn(batch[:n]); err != nil {
				return err
			}
			batch = batch[n:]
		}
	}
	return nil
}

const filesBatch = 500

func parsePartition(name string) (p kv.Partition, ok bool) {
	raw, err := hex.DecodeString(name)
	if err != nil || len(raw) != len(p) {
		return p, false
	}
	p = kv.Partition(raw)
	return p, hex.EncodeToString(raw) == name
}

func parseFileName(name string) (id couch.BlobID, ok bool) {
	raw, err := hex.DecodeString(name)
	if err != nil || len(raw) != len(id) {
		return id, false
	}
	id = couch.BlobID(raw)
	return id, id.String() == name
}
