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
	c, wrote, err := s.transact(ctx, part, fn, opts)
	switch {
	case errors.Is(err, ErrClosed) || lazy:
		return err
	case wrote:
		return s.awaitOwn(c)
	}
	// fn may have decided on rows that are not on disk yet: what it decided goes
	// out when they are.
	if werr := s.awaitDurable(ctx, c); err == nil || ctx.Err() == nil && werr != nil {
		return werr
	}
	return err
}

// awaitOwn waits until a commit is durable that the caller answers for, and so
// does not leave before.
func (s *Pebble) awaitOwn(c *commit) error {
	select {
	case <-c.done:
		return nil
	case <-s.health.dead:
		return s.health.unknownOutcome()
	}
}

// transact runs fn under the partition's lock and hands what it wrote to the
// log. Where nothing was written, c is the last commit that fn can have read.
func (s *Pebble) transact(ctx context.Context, part *partition, fn func(Tx) error, opts []UpdateOption) (c *commit, wrote bool, err error) {
	if err := part.lock(ctx, s.health); err != nil {
		return nil, false, err
	}
	defer part.unlock()
	last := part.last.Load()
	t := &tx{reader: reader{db: s.db, p: part.id}, batch: s.db.NewBatch(), limit: s.maxBatch}
	defer t.end()
	n := 0
	if err = runTx(ctx, t, fn); err == nil && t.batch.Count() > 0 {
		n = t.batch.Len()
		err = s.admit(ctx, n, t.draw(slices.Contains(opts, Freeing)))
	}
	if err != nil || t.batch.Count() == 0 {
		_ = t.batch.Close()
		return last, false, err
	}
	defer s.space.applied(n)
	c = newCommit(part, slices.Contains(opts, Lazy))
	c.bulk = slices.Contains(opts, Bulk) && s.fitsTables(t)
	err = s.submit(c, t.batch)
	return c, err == nil, err
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
func (s *Pebble) submit(c *commit, b *pebble.Batch) error {
	v := s.version.Add(1)
	if err := b.Set(versionKey(c.part.id), encodeVersion(v), nil); err != nil {
		return err
	}
	return s.apply(c, b)
}

// apply registers the commit, then applies the batch.
func (s *Pebble) apply(c *commit, b *pebble.Batch) error {
	s.partitions.retain(c.part)
	c.part.last.Store(c)
	go s.run(c, b)
	return s.awaitApplied(c)
}
