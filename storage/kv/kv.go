// Package kv is the ordered, transactional key-value engine that storage stands
// on, and its embedded implementation on Pebble.
//
// The interface is made so that a distributed store can stand behind it: a
// transaction stays in one [Partition], may run again after a conflict, reads
// in multi-gets and scans, and may end with an unknown outcome. Nothing above
// this package may assume that this process is the only writer.
//
// Package kvtest holds the suite that every engine passes.
package kv

import (
	"context"
	"errors"
	"iter"
)

// Partition names a keyspace: a database, an index, the directory of names. It
// is opaque to the engine. A transaction never leaves one partition.
type Partition [8]byte

// Store is an ordered transactional key-value store. It is safe for concurrent
// use. All methods fail with an error that matches [ErrClosed] after Close, or
// once a sync to disk has failed.
type Store interface {
	// View calls fn with a consistent, durable state of the partition: one
	// that includes every Update that had returned before View was called, and
	// nothing that a crash could take back. The Reader is valid until fn returns.
	View(ctx context.Context, p Partition, fn func(Reader) error) error

	// Update calls fn with a transaction and commits what it wrote, whole or not
	// at all. Updates of one partition are serial. When Update returns nil the
	// commit is durable (with [Lazy]: it is when a later commit without it is).
	// An error from fn is returned as it is, and nothing is written; so it is with
	// a ctx that ends before the commit. What fn has read is durable when Update
	// returns, unless ctx has ended: then the error is fn's or that of ctx. fn may run more than once and has no effect but
	// through its Tx. It must not begin another Update or Drop.
	//
	// Errors: [ErrNoSpace] before anything is written, [ErrTooLarge] where fn writes
	// more than an engine takes at once (1 GiB here), [ErrUnknownOutcome] when
	// the commit may or may not have happened. While there is no space, an Update
	// that only deletes, and Drop, go on; they too are refused where what they take
	// would keep the engine from giving back what was deleted.
	Update(ctx context.Context, p Partition, fn func(Tx) error, opts ...UpdateOption) error

	// Versions returns, for each partition, a number that grows with every commit
	// to it, over restarts and Drop too, and tells of durable commits only. It is 0
	// for a partition that was never written to or was dropped.
	Versions(ctx context.Context, ps []Partition) ([]uint64, error)

	// Partitions returns up to n partitions that have rows, ascending, beginning
	// behind after. The zero Partition, where a listing begins, is never in one.
	Partitions(ctx context.Context, after Partition, n int) ([]Partition, error)

	// Drop removes a whole partition, durably. The space returns in the background.
	Drop(ctx context.Context, p Partition) error

	// Close ends the store, after the running transactions.
	Close() error
}

// Reader reads one consistent state of a partition. It is for one goroutine.
type Reader interface {
	// GetMulti returns the values of keys, in their order; nil where there is no
	// such key, an empty non-nil slice for an empty value. The values are valid
	// until fn returns.
	GetMulti(ctx context.Context, keys ...[]byte) ([][]byte, error)

	// Scan yields the rows of a range in order. The slices of a KV are valid
	// until the next step, and belong to the engine. An error ends the iteration.
	// The sequence ends before fn returns: one that is pulled is stopped there.
	// Other reads may be made between its steps.
	Scan(ctx context.Context, r Range) iter.Seq2[KV, error]
}

// Tx is a read-write transaction. Its reads do not see its own writes.
type Tx interface {
	Reader
	// Set stores a copy of v under a copy of k. A later write to the same key wins.
	Set(k, v []byte)
	// Delete removes k, if it is there.
	Delete(k []byte)
	// DeleteRange removes the keys in [lo, hi); a nil hi means to the end.
	DeleteRange(lo, hi []byte)
}

// Range selects the rows of a Scan: the keys in [Lo, Hi), where nil is open.
type Range struct {
	Lo, Hi  []byte
	Reverse bool
	Limit   int // rows; 0: no limit
}

// KV is a row.
type KV struct{ Key, Value []byte }

// UpdateOption changes how an Update commits.
type UpdateOption int

const (
	// Lazy commits without waiting for the disk, for what can be made again. The
	// commit keeps its place in the order: no later commit is durable without it.
	Lazy UpdateOption = 1 + iota
	// Freeing is for a commit that leads to space being freed, though it stores
	// something: it may use the reserve, as commits that only delete may. It has
	// no effect on a commit of more than 1 MiB.
	Freeing
	// Bulk is for a commit that may be one of many rows which are made at once, as those
	// of an index are: the engine may write it to its tables without its log. A crash meanwhile
	// may leave the rows, and the version from before them.
	Bulk
)

// Waker is implemented by stores that can tell of commits. Elsewhere, poll Versions.
type Waker interface {
	// Wait returns a channel that is closed after the next durable commit to the
	// partition, or its Drop, and when the store ends, by Close or by a failure. It
	// may be closed without any of them. To miss nothing: take the channel, then
	// read, then wait.
	Wait(p Partition) <-chan struct{}
}

// Compacter is implemented by stores that can give space back on demand.
type Compacter interface {
	// Compact rewrites what is stored for the partition, so that rows deleted or
	// replaced before the call are no longer in any file when it returns.
	Compact(ctx context.Context, p Partition) error
}

// SpaceGuard is implemented by stores that share their disk with files of their
// callers', and keep a reserve of it.
type SpaceGuard interface {
	// Room keeps space for n more bytes in such files until release is called,
	// once they are written or will not be. It fails with ErrNoSpace where they
	// would touch the reserve.
	Room(n int64) (release func(), err error)
}

// The errors of a store.
var (
	// ErrClosed: the store was closed, or a write to disk has failed and it
	// refuses everything since.
	ErrClosed = errors.New("kv: store is closed")
	// ErrNoSpace: the disk is full but for the reserve. Nothing was written.
	ErrNoSpace = errors.New("kv: no space left on the device")
	// ErrTooLarge: the transaction is larger than the engine takes. Nothing was written.
	ErrTooLarge = errors.New("kv: the transaction is too large")
	// ErrUnknownOutcome: the commit may or may not have happened; read before
	// trying again.
	ErrUnknownOutcome = errors.New("kv: outcome of the commit is unknown")
	// ErrCorrupt: what is on disk does not authenticate, or makes no sense.
	ErrCorrupt = errors.New("kv: stored data is damaged")
	// ErrLocked: another process has the store open.
	ErrLocked = errors.New("kv: another process has the data directory open")
	// ErrOlderFormat: an older version of the program wrote the store, which this one
	// does not read.
	ErrOlderFormat = errors.New("kv: the store was written by an older version")
	// ErrNewerFormat: a newer version of the program wrote the store.
	ErrNewerFormat = errors.New("kv: the store was written by a newer version")
	// ErrReadOnly: the store was opened for reading.
	ErrReadOnly = errors.New("kv: store is open for reading only")
)
