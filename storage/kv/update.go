package kv

import (
	"context"
	"errors"
	"slices"

	"github.com/cockroachdb/pebble/v2"
)

// Update implements [Store]. fn runs once, and alone for its partition; it must
// not call Update or Drop for the same partition. The wait for the disk comes
// after the partition is free again, so that any number of writers share one.
func (s *Pebble) Update(ctx context.Context, p Partition, fn func(Tx) error, opts ...UpdateOption) error {
	if err := s.health.enter(); err != nil {
		return err
	}
	defer s.health.exit()
	if s.readOnly {
		return ErrReadOnly
	}
	part := s.partitions.acquire(p)
	defer s.partitions.release(part)
	lazy := slices.Contains(opts, Lazy)
	c, err := s.transact(ctx, part, fn, lazy)
	switch {
	case errors.Is(err, ErrClosed):
		return err
	case err != nil:
		// fn may have decided on rows that are not on disk yet: its error goes out
		// when they are.
		if werr := s.awaitDurable(ctx, c); werr != nil && ctx.Err() == nil {
			return werr
		}
		return err
	case c == nil || lazy:
		return nil
	}
	select {
	case <-c.done:
		return nil
	case <-s.health.dead:
		return s.health.unknownOutcome()
	}
}

// transact runs fn under the partition's lock and hands what it wrote to the
// log. It returns the commit whose durability the caller answers for: the new
// one, or the last one that fn may have read, where it wrote nothing.
func (s *Pebble) transact(ctx context.Context, part *partition, fn func(Tx) error, lazy bool) (*commit, error) {
	if err := part.lock(ctx, s.health); err != nil {
		return nil, err
	}
	defer part.unlock()
	last := part.last.Load()
	b := s.db.NewBatch()
	t := &tx{reader: reader{db: s.db, p: part.id}, batch: b}
	defer t.end()
	if err := runTx(ctx, t, fn); err != nil {
		_ = b.Close()
		return last, err
	}
	if b.Count() == 0 {
		return last, b.Close()
	}
	if err := s.space.admit(b.Len(), t.grows); err != nil {
		_ = b.Close()
		return last, err
	}
	return s.submit(part, b, lazy)
}

// runTx calls fn and returns what keeps the transaction from committing.
func runTx(ctx context.Context, t *tx, fn func(Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := fn(t); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return t.err
}

// submit adds the partition's new version to the batch and applies it. The
// caller holds the partition's lock. Behind an error the outcome is unknown.
func (s *Pebble) submit(part *partition, b *pebble.Batch, lazy bool) (*commit, error) {
	v := s.version.Add(1)
	if err := b.Set(versionKey(part.id), encodeVersion(v), nil); err != nil {
		return nil, err
	}
	return s.apply(part, b, lazy)
}

// apply registers the commit, then applies the batch.
func (s *Pebble) apply(part *partition, b *pebble.Batch, lazy bool) (*commit, error) {
	c := newCommit(part, lazy)
	s.partitions.retain(part)
	part.last.Store(c)
	go s.run(c, b)
	if err := s.awaitApplied(c); err != nil {
		return c, err
	}
	return c, nil
}
