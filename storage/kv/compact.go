package kv

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// compactPoll is how often Compact looks whether the old files are gone.
const compactPoll = 5 * time.Millisecond

// Compact implements [Compacter]: it flushes, rewrites the partition's tables
// down to the last level, and waits until the tables and logs that held the
// deleted rows are removed. A View that was begun before pins such files; Compact
// then waits for it. What may remain of a deleted row is its key, as a table's
// bound in the manifest, until that is rewritten. The error is ErrNoSpace where
// the disk is too full even for that.
func (s *Pebble) Compact(ctx context.Context, p Partition) error {
	if err := s.health.enter(); err != nil {
		return err
	}
	defer s.health.exit()
	if s.readOnly {
		return ErrReadOnly
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	s.space.compacting.Add(1)
	defer s.space.compacting.Add(-1)
	logs, err := s.listFiles(".log")
	if err != nil {
		return err
	}
	if err := s.flush(ctx); err != nil {
		return err
	}
	if err := s.rewrite(ctx, p); err != nil {
		return err
	}
	tables, err := s.listFiles(".sst", ".blob")
	if err != nil {
		return err
	}
	for {
		left, err := s.obsolete(logs, tables)
		if err != nil || left == 0 {
			return err
		}
		select {
		case <-time.After(compactPoll):
		case <-ctx.Done():
			return ctx.Err()
		case <-s.health.dead:
			return s.health.failure()
		}
	}
}

// rewriteAttempts is how often a rewrite is begun that finds no space: what the
// one before has dropped makes room for the next.
const rewriteAttempts = 2

// rewrite compacts the partition down to the last level, in pieces that the free
// space has room for.
func (s *Pebble) rewrite(ctx context.Context, p Partition) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cuts, err := s.cuts(p)
	if err != nil {
		return err
	}
	lo := dataKey(nil, p, nil)
	for _, hi := range append(cuts, dataEnd(p)) {
		for range rewriteAttempts {
			if err = s.await(ctx, s.goCompact(ctx, lo, hi)); !errors.Is(err, ErrNoSpace) {
				break
			}
		}
		if err != nil {
			return err
		}
		lo = hi
	}
	return nil
}

func (s *Pebble) goCompact(ctx context.Context, lo, hi []byte) <-chan error {
	done := make(chan error, 1)
	s.work.Add(1)
	go func() {
		defer s.work.Done()
		defer s.recoverFatal()
		done <- s.db.Compact(ctx, lo, hi, false)
	}()
	return done
}

// cuts returns the keys of the partition, ascending, that divide its rows into
// pieces of a part of the free space.
func (s *Pebble) cuts(p Partition) ([][]byte, error) {
	lo, hi := dataKey(nil, p, nil), dataEnd(p)
	levels, err := s.db.SSTables(pebble.WithKeyRangeFilter(lo, hi))
	if err != nil {
		return nil, err
	}
	piece := max(2*uint64(s.table), s.space.lastFree()/8)
	var keys [][]byte
	held := uint64(0)
	last := len(levels) - 1 // where most of the rows are
	for _, t := range levels[last] {
		if held += t.Size; held >= piece && bytes.Compare(t.Largest.UserKey, lo) > 0 && bytes.Compare(t.Largest.UserKey, hi) < 0 {
			keys = append(keys, t.Largest.UserKey)
			held = 0
		}
	}
	return keys, nil
}

// listFiles returns the names in the data directory that end in a suffix.
func (s *Pebble) listFiles(suffixes ...string) (map[string]bool, error) {
	names, err := s.guard.List(s.dir)
	if err != nil {
		return nil, err
	}
	found := map[string]bool{}
	for _, name := range names {
		for _, suffix := range suffixes {
			if strings.HasSuffix(name, suffix) {
				found[name] = true
			}
		}
	}
	return found, nil
}

// obsolete counts the files among those given that are still there and that no
// row is read from any more.
func (s *Pebble) obsolete(logs, tables map[string]bool) (int, error) {
	live, err := s.liveTables()
	if err != nil {
		return 0, err
	}
	left := 0
	for _, set := range []map[string]bool{logs, tables} {
		for name := range set {
			if live[name] {
				delete(set, name)
				continue
			}
			if _, err := s.guard.Stat(s.guard.PathJoin(s.dir, name)); err == nil {
				left++
			} else {
				delete(set, name)
			}
		}
	}
	return left, nil
}

// liveTables returns the names of the tables of the newest version.
func (s *Pebble) liveTables() (map[string]bool, error) {
	levels, err := s.db.SSTables()
	if err != nil {
		return nil, err
	}
	live := map[string]bool{}
	for _, level := range levels {
		for _, t := range level {
			live[t.BackingSSTNum.String()+".sst"] = true
		}
	}
	return live, nil
}
