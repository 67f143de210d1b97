package kv

import "context"

// Drop implements [Store]. It works on a full disk too; [Pebble.Compact] gives
// the space back at once.
func (s *Pebble) Drop(ctx context.Context, p Partition) error {
	if err := s.health.enter(); err != nil {
		return err
	}
	defer s.health.exit()
	if s.readOnly {
		return ErrReadOnly
	}
	part := s.partitions.acquire(p)
	defer s.partitions.release(part)
	c, err := s.drop(ctx, part)
	if err != nil {
		return err
	}
	return s.awaitOwn(c)
}

func (s *Pebble) drop(ctx context.Context, part *partition) (*commit, error) {
	if err := part.lock(ctx, s.health); err != nil {
		return nil, err
	}
	defer part.unlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	b := s.db.NewBatch()
	if err := b.DeleteRange(dataKey(nil, part.id, nil), dataEnd(part.id), nil); err != nil {
		return nil, err
	}
	if err := b.Delete(versionKey(part.id), nil); err != nil {
		return nil, err
	}
	n := b.Len()
	if err := s.admit(ctx, n, drawDrop); err != nil {
		_ = b.Close()
		return nil, err
	}
	defer s.space.applied(n)
	c := newCommit(part, false)
	return c, s.apply(c, b)
}
