package kv

import (
	"context"
	"fmt"
	"sync"

	"github.com/cockroachdb/pebble/v2"
)

// commit is one batch on its way to the disk.
type commit struct {
	part    *partition // nil for a bare sync
	lazy    bool
	bulk    bool          // past the log
	applied chan struct{} // closed when the batch is in the log and can be read
	done    chan struct{} // closed when it is durable; never, when the engine fails
}

func newCommit(part *partition, lazy bool) *commit {
	return &commit{part: part, lazy: lazy, applied: make(chan struct{}), done: make(chan struct{})}
}

// lazies are the commits that are applied and wait for somebody else's sync.
type lazies struct {
	mu      sync.Mutex
	waiting []*commit
}

// maxLazies bounds how many commits wait for a sync, and so what they pin.
const maxLazies = 256

func (l *lazies) add(c *commit) (full bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting = append(l.waiting, c)
	return len(l.waiting) >= maxLazies
}

// take hands over the waiting commits to a sync that has not begun yet: their
// batches stand before its own in the log.
func (l *lazies) take() []*commit {
	l.mu.Lock()
	defer l.mu.Unlock()
	taken := l.waiting
	l.waiting = nil
	return taken
}

// run applies the batch and sees it to the disk. It is a goroutine of its own,
// because Pebble never comes back from a write that failed; whoever waits for
// the commit also watches health.dead.
func (s *Pebble) run(c *commit, b *pebble.Batch) {
	defer s.recoverFatal()
	if c.bulk {
		b = s.ingest(b)
	}
	if c.lazy {
		s.runLazy(c, b)
		return
	}
	carried := s.lazies.take()
	if err := s.db.ApplyNoSyncWait(b, pebble.Sync); err != nil {
		s.health.fail(fmt.Errorf("apply: %w", err))
		return
	}
	close(c.applied)
	if err := b.SyncWait(); err != nil {
		s.health.fail(fmt.Errorf("sync of the log: %w", err))
		return
	}
	for _, l := range carried {
		s.settle(l)
	}
	s.settle(c)
	_ = b.Close()
}

func (s *Pebble) runLazy(c *commit, b *pebble.Batch) {
	if err := s.db.Apply(b, pebble.NoSync); err != nil {
		s.health.fail(fmt.Errorf("apply: %w", err))
		return
	}
	full := s.lazies.add(c)
	close(c.applied)
	_ = b.Close()
	if full {
		s.syncLazies()
	}
}

// settle publishes that c is durable.
func (s *Pebble) settle(c *commit) {
	close(c.done)
	if c.part == nil {
		return
	}
	c.part.last.CompareAndSwap(c, nil)
	s.waiters.Wake(c.part.id)
	s.partitions.release(c.part)
}

// syncLazies starts a sync that makes every commit applied before it durable.
func (s *Pebble) syncLazies() { go s.syncLog() }

// syncLog syncs the log, and settles what was committed lazily.
func (s *Pebble) syncLog() {
	b := s.db.NewBatch()
	if err := b.LogData(nil, nil); err != nil {
		s.health.fail(fmt.Errorf("log record: %w", err))
		return
	}
	s.run(newCommit(nil, false), b)
}

// awaitApplied waits until c can be read.
func (s *Pebble) awaitApplied(c *commit) error {
	select {
	case <-c.applied:
		return nil
	case <-s.health.dead:
		return s.health.unknownOutcome()
	}
}

// awaitDurable waits until c, and so every earlier commit, is on disk. A nil c
// is durable already.
func (s *Pebble) awaitDurable(ctx context.Context, c *commit) error {
	if c == nil {
		return nil
	}
	if c.lazy {
		select {
		case <-c.applied:
		case <-s.health.dead:
			return s.health.failure()
		case <-ctx.Done():
			return ctx.Err()
		}
		select {
		case <-c.done:
			return nil
		default:
			s.syncLazies()
		}
	}
	select {
	case <-c.done:
		return nil
	case <-s.health.dead:
		return s.health.failure()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// recoverFatal turns what Pebble panics with on a failed write into a failure
// of the engine.
func (s *Pebble) recoverFatal() {
	if r := recover(); r != nil {
		s.health.fail(fmt.Errorf("pebble: %v", r))
	}
}
