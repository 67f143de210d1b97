package kv

import "context"

// View implements [Store]. The state is the newest one at the call; where a
// commit of the partition is still on its way to the disk, View waits for it
// before fn sees anything. It never makes a writer wait.
func (s *Pebble) View(ctx context.Context, p Partition, fn func(Reader) error) error {
	if err := s.health.enter(); err != nil {
		return err
	}
	defer s.health.exit()
	if err := ctx.Err(); err != nil {
		return err
	}
	r := &reader{db: s.db, p: p}
	defer r.end()
	if err := r.pin(ctx); err != nil {
		return err
	}
	// In this order: a row that the pinned state holds was registered before.
	if err := s.awaitDurable(ctx, s.partitions.unsettled(p)); err != nil {
		return err
	}
	return fn(r)
}
