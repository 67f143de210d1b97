package kv

import (
	"context"
	"errors"
	"syscall"
	"time"
)

const (
	// flushPoll is how often a wait looks whether flushes are refused.
	flushPoll = 10 * time.Millisecond
	// flushAttempts is how many refused ones end it: the first may have met a
	// compaction, which gives back what it has taken.
	flushAttempts = 5
	// compactionAttempts is the same for compactions, which Pebble picks anew.
	compactionAttempts = 20
	// admitPatience bounds how long a commit waits for a compaction to end.
	admitPatience = 2 * time.Second
)

// flush writes everything that is applied now to tables. It returns ErrNoSpace
// where they do not fit; Pebble then goes on trying by itself.
func (s *Pebble) flush(ctx context.Context) error {
	// A flush that is started and does not fit would make commits wait for it.
	if !s.space.fitsFlush() {
		return ErrNoSpace
	}
	return s.await(ctx, s.goFlush())
}

// admit is space.admit for a batch of n bytes. Where it refuses what frees space,
// it flushes, if there is much to flush, and asks again as long as what is under
// way may give space back.
func (s *Pebble) admit(ctx context.Context, n int, d draw) error {
	err := s.space.admit(n, d)
	if err == nil || d == drawNothing {
		return err
	}
	if s.owed().unflushed >= s.space.floor/4 {
		if ferr := s.flush(ctx); ferr != nil {
			return ferr
		}
		err = s.space.admit(n, d)
	}
	for deadline := time.Now().Add(admitPatience); err != nil && s.givesBack() && time.Now().Before(deadline); {
		select {
		case <-time.After(flushPoll):
		case <-ctx.Done():
			return ctx.Err()
		case <-s.health.dead:
			return s.health.failure()
		}
		err = s.space.admit(n, d)
	}
	return err
}

// givesBack reports whether compactions run, or files wait to be removed.
func (s *Pebble) givesBack() bool {
	m := s.db.Metrics()
	return m.Compact.NumInProgress > 0 || m.Table.ObsoleteSize > 0 || m.Table.ZombieSize > 0
}

// goFlush flushes everything that is applied now, in goroutines of its own, which
// do not end when the engine fails.
func (s *Pebble) goFlush() <-chan error {
	done := make(chan error, 1)
	s.work.Add(1)
	go func() {
		flushed, err := s.startFlush()
		if err == nil {
			<-flushed
		}
		done <- err
	}()
	return done
}

func (s *Pebble) startFlush() (<-chan struct{}, error) {
	defer s.work.Done()
	defer s.recoverFatal()
	return s.db.AsyncFlush()
}

// await waits for background work, which goes on when ctx ends. The error is
// ErrNoSpace where flushes or compactions are refused over and over.
func (s *Pebble) await(ctx context.Context, done <-chan error) error {
	refused, crowded := s.space.refused.Load(), s.space.crowded.Load()
	tick := time.NewTicker(flushPoll)
	defer tick.Stop()
	for {
		select {
		case err := <-done:
			if errors.Is(err, syscall.ENOSPC) {
				return ErrNoSpace
			}
			return readError(err)
		case <-ctx.Done():
			return ctx.Err()
		case <-s.health.dead:
			return s.health.failure()
		case <-tick.C:
			if s.space.refused.Load() >= refused+flushAttempts || s.space.crowded.Load() >= crowded+compactionAttempts {
				return ErrNoSpace
			}
		}
	}
}
