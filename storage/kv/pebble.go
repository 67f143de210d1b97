package kv

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"

	"settle/storage/kv/waiters"
)

// PebbleOptions say where and how a [Pebble] store lives.
type PebbleOptions struct {
	FS  vfs.FS // given by the caller, encrypting or not; nil: the operating system's, plain
	Dir string // the data directory, made when it is missing

	// Lock is one that LockDir gave for FS and Dir; the caller closes it after the
	// store. nil: the store locks the directory itself.
	Lock *pebble.Lock

	Logger *slog.Logger // nil: nothing is logged
	// Fatal is called once, from a goroutine of its own, when the log or the
	// manifest cannot be written. The store refuses everything from then on, what
	// it was writing is held where it is, and the process should end. May be nil.
	Fatal func(error)

	CacheBytes    int64 // block cache and memtables; 0: 64 MiB
	MemTableBytes int64 // 0: 16 MiB
	ReserveBytes  int64 // disk space kept for deletions and compactions; 0: 64 MiB, negative: none

	ReadOnly bool // writes nothing; Update, Drop and Compact fail with ErrReadOnly
}

func (o PebbleOptions) withDefaults() PebbleOptions {
	if o.FS == nil {
		o.FS = vfs.Default
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.CacheBytes == 0 {
		o.CacheBytes = 64 << 20
	}
	if o.MemTableBytes == 0 {
		o.MemTableBytes = 16 << 20
	}
	if o.ReserveBytes == 0 {
		o.ReserveBytes = 64 << 20
	}
	return o
}

// Pebble is the embedded engine: one Pebble database for all partitions. A
// partition costs its rows and nothing else, neither a file nor memory.
type Pebble struct {
	db       *pebble.DB
	dir      string
	readOnly bool
	lock     *pebble.Lock // to be closed with the store; nil: the caller's
	logger   *slog.Logger
	guard    *guardFS

	health     *health
	space      *space
	partitions *partitionTable
	waiters    *waiters.Table[Partition]
	lazies     lazies
	version    atomic.Uint64  // the newest version given to a commit
	background atomic.Uint64  // how often flushes or compactions have failed
	work       sync.WaitGroup // calls of Pebble that nobody may wait for
	maxBatch   int            // bytes of a transaction
	minBulk    int            // bytes of one that may go past the log
	bulk       sync.Mutex     // held while the tables of such a commit are in memory
	table      int64          // the size that tables are written in
	format     sstable.WriterOptions
	firstLevel int64         // what the first level holds before there is one above
	patience   time.Duration // how long Close waits for each thing that may never come
}

var (
	_ Store      = (*Pebble)(nil)
	_ Waker      = (*Pebble)(nil)
	_ SpaceGuard = (*Pebble)(nil)
	_ Compacter  = (*Pebble)(nil)
)

// OpenPebble opens a store, or makes one in a directory that holds none. Errors:
// [ErrLocked], [ErrOlderFormat], [ErrNewerFormat], [ErrCorrupt], those of the file system. With
// ReadOnly a missing store is an error.
func OpenPebble(o PebbleOptions) (*Pebble, error) {
	o = o.withDefaults()
	if !o.ReadOnly {
		if err := o.FS.MkdirAll(o.Dir, 0o700); err != nil {
			return nil, err
		}
	}
	s := newPebble(o)
	lock := o.Lock
	if lock == nil {
		var err error
		if lock, err = LockDir(o.FS, o.Dir); err != nil {
			return nil, err
		}
		s.lock = lock
	}
	if err := s.open(o, lock); err != nil {
		if s.lock != nil {
			_ = s.lock.Close()
		}
		return nil, fmt.Errorf("open store in %s: %w", o.Dir, err)
	}
	return s, nil
}

func newPebble(o PebbleOptions) *Pebble {
	s := &Pebble{
		dir: o.Dir, readOnly: o.ReadOnly, logger: o.Logger,
		partitions: newPartitionTable(),
		waiters:    waiters.New[Partition](),
		maxBatch:   maxBatch,
		minBulk:    int(o.MemTableBytes / bulkPerMemTable),
		table:      tableBytes(o.MemTableBytes),
		firstLevel: max(o.MemTableBytes, 2*tableBytes(o.MemTableBytes)),
		patience:   closePatience,
	}
	s.health = newHealth(func(err error) {
		s.waiters.End()
		if o.Fatal != nil { // whose owner tells of it
			o.Fatal(err)
			return
		}
		o.Logger.Error("storage has failed", "error", err)
	})
	memTable := uint64(o.MemTableBytes)
	s.space = &space{
		fs: o.FS, dir: o.Dir, logger: o.Logger,
		reserve: ballast{fs: o.FS, dir: o.Dir, size: uint64(max(0, o.ReserveBytes))},
		low:     2 * memTable, // a log as Pebble sets it aside, and a flush
		floor:   memTable / 2,
		owed:    s.owed,
	}
	s.guard = &guardFS{FS: o.FS, health: s.health, space: s.space, staged: vfs.NewMem()}
	return s
}

// open is OpenPebble under the lock.
func (s *Pebble) open(o PebbleOptions, lock *pebble.Lock) error {
	empty, err := checkFormat(o.FS, o.Dir)
	if err != nil {
		return err
	}
	if !s.readOnly {
		s.space.open()
		if empty {
			if err := writeFormat(o.FS, o.Dir); err != nil {
				return err
			}
		}
	}
	po := s.pebbleOptions(o, lock, &pebble.EventListener{
		BackgroundError: s.backgroundError,
		FlushBegin:      func(pebble.FlushInfo) { s.space.flushed.Store(0) },
		FlushEnd:        func(pebble.FlushInfo) { s.space.flushed.Store(0) },
		CompactionEnd:   func(pebble.CompactionInfo) { s.space.merged.Store(0) },
		DataCorruption: func(info pebble.DataCorruptionInfo) {
			s.logger.Error("stored data is damaged", "file", info.Path)
		},
	})
	po.Logger = pebbleLogger{logger: s.logger, guard: s.guard}
	if !empty {
		// Pebble would begin anew, and remove what it does not know.
		if po.ErrorIfNotExists, err = holdsStore(o.FS, o.Dir); err != nil {
			return err
		}
	}
	po.EnsureDefaults()
	s.db, err = openDB(o.Dir, po)
	if po.ErrorIfNotExists && errors.Is(err, pebble.ErrDBDoesNotExist) {
		return fmt.Errorf("%w: the marker of the manifest is missing", ErrCorrupt)
	}
	if err != nil {
		return readError(err)
	}
	if err := s.openVersions(); err != nil {
		_ = s.db.Close()
		return err
	}
	s.format = po.MakeWriterOptions(0, s.db.TableFormat())
	s.guard.armed.Store(!s.readOnly)
	return nil
}

// openDB is pebble.Open; what that answers by panicking is an error here.
func openDB(dir string, po *pebble.Options) (db *pebble.DB, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("pebble: %v", r)
		}
	}()
	return pebble.Open(dir, po)
}

// backgroundError hears of flushes and compactions that failed. Pebble tries
// them again; what is acknowledged stands in the log.
func (s *Pebble) backgroundError(err error) {
	if s.background.Add(1) == 1 {
		s.logger.Warn("a flush or compaction has failed and is tried again")
	}
	s.logger.Debug("pebble", "background_error", err)
}
