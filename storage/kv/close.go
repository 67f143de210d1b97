package kv

import (
	"errors"
	"fmt"
	"time"
)

// closePatience bounds how long Close waits for a flush that makes no progress,
// and for what waits for that.
const closePatience = 5 * time.Second

// Close implements [Store]. It waits for the running calls and writes the
// memtables to tables. Where the disk is full and that cannot be done, it leaves
// things as they are and returns all the same: the log holds everything. Such a
// store, and one that has failed, when Close returns the failure, may still be
// writing, and keeps a lock of its own until the process ends.
func (s *Pebble) Close() error {
	idle, first := s.health.close()
	if !first {
		s.awaitIdle(idle)
		return s.health.failure()
	}
	s.waiters.End()
	if !s.awaitIdle(idle) {
		return s.leave("calls that wait for space")
	}
	if err := s.health.failure(); err != nil {
		return err
	}
	var err error
	if !s.readOnly {
		err = s.flushForClose()
	}
	closed := make(chan error, 1)
	go func() { closed <- s.closeDB() }()
	select {
	case cerr := <-closed:
		err = errors.Join(err, cerr)
	case <-s.health.dead:
		return s.health.failure()
	case <-time.After(s.patience):
		return s.leave("a flush that waits for space")
	}
	if !s.readOnly {
		err = errors.Join(err, s.space.reserve.remove())
	}
	if s.lock != nil {
		err = errors.Join(err, s.lock.Close())
	}
	return err
}

// closeDB is pebble.DB.Close, when no call of Pebble is under way. What that answers by panicking is an error here.
func (s *Pebble) closeDB() (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("pebble: %v", r)
		}
	}()
	s.work.Wait()
	s.guard.armed.Store(false)
	return s.db.Close()
}

// awaitIdle waits until the running calls have ended. It gives up on them, and
// reports false, where they wait for flushes that the disk has no space for.
func (s *Pebble) awaitIdle(idle <-chan struct{}) bool {
	for {
		refused := s.space.refused.Load()
		select {
		case <-idle:
			return true
		case <-s.health.dead:
			<-idle // they see it too
			return true
		case <-time.After(s.patience):
			if s.space.refused.Load() != refused {
				return false
			}
		}
	}
}

// leave tells that the store was not closed.
func (s *Pebble) leave(what string) error {
	s.logger.Warn("storage is left as it is on a full disk; the log holds everything", "waiting", what)
	return nil
}

// flushForClose writes the memtables out; where that does not work, the log
// holds what they hold.
func (s *Pebble) flushForClose() error {
	if !s.space.fitsFlush() {
		return nil
	}
	failures := s.background.Load()
	flushed := s.goFlush()
	timeout := time.After(s.patience)
	tick := time.NewTicker(flushPoll)
	defer tick.Stop()
	for {
		select {
		case err := <-flushed:
			return err
		case <-s.health.dead:
			return s.health.failure()
		case <-timeout:
			return nil
		case <-tick.C:
			if s.background.Load() != failures {
				return nil
			}
		}
	}
}
