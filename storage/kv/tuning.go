package kv

import (
	"fmt"
	"io"
	"log/slog"
	"runtime"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/sstable"
)

// comparer orders keys by their bytes, and never prints one: Pebble's messages
// and errors would otherwise carry document ids.
var comparer = func() *pebble.Comparer {
	c := *pebble.DefaultComparer
	c.FormatKey = func(key []byte) fmt.Formatter { return secretBytes(len(key)) }
	c.FormatValue = func(_, value []byte) fmt.Formatter { return secretBytes(len(value)) }
	return &c
}()

// secretBytes prints as a length.
type secretBytes int

// Format implements fmt.Formatter.
func (n secretBytes) Format(f fmt.State, _ rune) { _, _ = fmt.Fprintf(f, "[%d bytes]", int(n)) }

// deleteCleaner removes what is obsolete. Through the deeper embedded type it
// also tells Pebble that it wants files as they are, and so keeps it from setting
// old logs aside for reuse: a log that was flushed is gone.
type deleteCleaner struct {
	pebble.DeleteCleaner
	wantsFileContents
}

type wantsFileContents struct{ pebble.ArchiveCleaner }

// pebbleOptions are tuned for many small durable writes on two or more cores, in
// about CacheBytes of memory: memtables are charged to the cache.
func (s *Pebble) pebbleOptions(o PebbleOptions, lock *pebble.Lock, events *pebble.EventListener) *pebble.Options {
	po := &pebble.Options{
		FS: s.guard, Lock: lock, ReadOnly: o.ReadOnly,
		FormatMajorVersion: pebble.FormatNewest,
		Comparer:           comparer,
		Cleaner:            deleteCleaner{},
		EventListener:      events,

		CacheSize:                   o.CacheBytes,
		MemTableSize:                uint64(o.MemTableBytes),
		MemTableStopWritesThreshold: maxMemTables,
		L0CompactionThreshold:       2, // with more, every read looks in more places
		L0StopWritesThreshold:       32,
		LBaseMaxBytes:               s.firstLevel,
		MaxManifestFileSize:         8 << 20,
		CompactionConcurrencyRange: func() (int, int) {
			if s.space.near.Load() { // two would take each other's room
				return 1, 1
			}
			return 1, max(1, min(4, runtime.GOMAXPROCS(0)))
		},
	}
	po.Experimental.LevelMultiplier = levelMultiplier
	po.Experimental.EnableColumnarBlocks = func() bool { return true }
	// An excise would leave deleted rows in the file behind a virtual table.
	po.Experimental.EnableDeleteOnlyCompactionExcises = func() bool { return false }
	for i := range po.Levels {
		po.TargetFileSizes[i] = s.table
		po.Levels[i].BlockSize = 16 << 10
		po.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
		// Most bytes are sealed values, which do not get smaller. And a block that
		// holds rows of several owners must not show by its size what they have in
		// common.
		po.Levels[i].Compression = func() *sstable.CompressionProfile { return sstable.NoCompression }
	}
	return po
}

// maxMemTables is how many memtables there are before commits wait for a flush.
const maxMemTables = 3

// pebbleLogger sends what Pebble says to slog, at debug.
type pebbleLogger struct {
	logger *slog.Logger
	guard  *guardFS
}

func (l pebbleLogger) Infof(format string, args ...any)  { l.debug(format, args) }
func (l pebbleLogger) Errorf(format string, args ...any) { l.debug(format, args) }

func (l pebbleLogger) debug(format string, args []any) {
	l.logger.Debug("pebble", "text", fmt.Sprintf(format, args...))
}

// Fatalf never returns, which is what Pebble expects of it.
func (l pebbleLogger) Fatalf(format string, args ...any) {
	err := fmt.Errorf(format, args...)
	l.debug(format, args)
	if !l.guard.armed.Load() {
		panic(err)
	}
	l.guard.health.fail(err)
	select {}
}

var (
	_ pebble.Logger = pebbleLogger{}
	_ io.Closer     = (*Pebble)(nil)
)
