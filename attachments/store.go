package attachments

import (
	"bytes"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"

	"settle/storage/couch"
	"settle/storage/crypt"
	"settle/storage/kv"
)

const (
	// defaultSmallMax: a content in the record is written three times as fast as a
	// file with its syncs at this size, and as fast at about 100 kB; but compactions
	// write a row again and again, and a file never.
	defaultSmallMax = 32 << 10
	// maxPendingSmall bounds the small contents that wait in memory for their
	// commit. What comes on top is written to files.
	maxPendingSmall = 32 << 20
)

// Options configures a Store.
type Options struct {
	FS   vfs.FS // plain: files seal themselves
	Root string // a directory of FS, made when needed, in one that exists; nothing else may use it
	// SmallMax is the size in bytes up to which a content is kept in its record.
	// 0 means 32 KiB, a negative number none.
	SmallMax int
}

// Store holds the blobs of a whole server. It is safe for concurrent use.
type Store struct {
	fs       vfs.FS
	root     string
	smallMax int
	aheads   chan struct{} // of maxAhead: the ranges that are read ahead
	// sumsSpare has maxSumsAhead places: chunks that wait for their sums, beyond sumsOwn
	// of each content.
	sumsSpare chan struct{}

	mu sync.Mutex
	// inFlight holds the files that are written or wait for their commit. Sweep
	// and Check leave them alone. Guarded by mu.
	inFlight map[kv.Partition]map[couch.BlobID]*flight
	// pendingSmall is the size of the small contents that wait for their commit.
	// Guarded by mu.
	pendingSmall int64
	// durableDirs are directories whose names are known to be on disk. Guarded by mu.
	durableDirs map[string]struct{}
	// uploading are the uploads to which something is being appended. Guarded by mu.
	uploading map[couch.BlobID]bool
	// lastKeys are the keys with which uploads may go on. Guarded by mu.
	lastKeys map[couch.BlobID]lastKey
	// ticked is the last tick. Guarded by mu.
	ticked uint64
}

// New returns a Store. It touches no file.
func New(o Options) *Store {
	s := &Store{
		fs: o.FS, root: o.Root, smallMax: o.SmallMax, aheads: make(chan struct{}, maxAhead), sumsSpare: make(chan struct{}, maxSumsAhead),
		inFlight:    map[kv.Partition]map[couch.BlobID]*flight{},
		uploading:   map[couch.BlobID]bool{},
		lastKeys:    map[couch.BlobID]lastKey{},
		durableDirs: map[string]struct{}{},
	}
	if s.smallMax == 0 {
		s.smallMax = defaultSmallMax
	}
	return s
}

// Database returns the blobs of one database: its partition, its key, and the
// prefix of the keys under which the records stand. It costs nothing to make.
// Exist, Delete and RemoveFiles do without the key, which may be nil for them.
func (s *Store) Database(id kv.Partition, key *crypt.DatabaseKey, prefix []byte) *Blobs {
	return &Blobs{store: s, id: id, key: key, prefix: bytes.Clone(prefix)}
}

// Blobs are the blobs of one database. It is safe for concurrent use.
type Blobs struct {
	store  *Store
	id     kv.Partition
	key    *crypt.DatabaseKey
	prefix []byte

	contents []byte    // prefix of the rows that find equal contents; nil: there are none
	starts   []byte    // prefix of the rows that find contents that start alike
	dedup    *DedupKey // nil: what is written has no tag
	uploads  []byte    // prefix of the uploads' rows; nil: there are none
}

func (b *Blobs) recordKey(id couch.BlobID) []byte {
	return append(bytes.Clone(b.prefix), id[:]...)
}

// reserveSmall reports whether a small content may wait in memory, and counts it.
func (s *Store) reserveSmall(n int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pendingSmall+n > maxPendingSmall {
		return false
	}
	s.pendingSmall += n
	return true
}

func (s *Store) releaseSmall(n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pendingSmall -= n
}
