package kv

import (
	"context"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// Versions are drawn from one counter for the whole store, so that a partition
// that was dropped and made again goes on growing. Every opening begins behind
// all that an earlier one can have drawn: more commits than this it cannot make.
const versionsPerOpening = 1 << 40

// openVersions continues the counter, durably.
func (s *Pebble) openVersions() error {
	it, err := s.db.NewIter(nil)
	if err != nil {
		return readError(err)
	}
	defer it.Close()
	stored, err := seekValue(it, versionCeilingKey)
	if err != nil {
		return err
	}
	var ceiling uint64
	if stored != nil {
		var ok bool
		if ceiling, ok = decodeVersion(stored); !ok {
			return fmt.Errorf("%w: version ceiling of %d bytes", ErrCorrupt, len(stored))
		}
	}
	s.version.Store(ceiling)
	if s.readOnly {
		return nil
	}
	return s.db.Set(versionCeilingKey, encodeVersion(ceiling+versionsPerOpening), pebble.Sync)
}

// Versions implements [Store]. What it returns is durable.
func (s *Pebble) Versions(ctx context.Context, ps []Partition) ([]uint64, error) {
	if err := s.health.enter(); err != nil {
		return nil, err
	}
	defer s.health.exit()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	it, err := s.db.NewIterWithContext(ctx, &pebble.IterOptions{
		LowerBound: []byte{tagVersion}, UpperBound: []byte{tagVersion + 1}, UseL6Filters: true,
	})
	if err != nil {
		return nil, readError(err)
	}
	defer it.Close()
	versions := make([]uint64, len(ps))
	for i, p := range ps {
		if versions[i], err = s.readVersion(ctx, it, p); err != nil {
			return nil, err
		}
	}
	return versions, nil
}

func (s *Pebble) readVersion(ctx context.Context, it *pebble.Iterator, p Partition) (uint64, error) {
	stored, err := seekValue(it, versionKey(p))
	if err != nil {
		return 0, err
	}
	if err := s.awaitDurable(ctx, s.partitions.unsettled(p)); err != nil {
		return 0, err
	}
	if stored == nil {
		return 0, nil
	}
	v, ok := decodeVersion(stored)
	if !ok {
		return 0, fmt.Errorf("%w: version row of %d bytes", ErrCorrupt, len(stored))
	}
	return v, nil
}

// Partitions implements [Store]. It seeks from one partition to the next, so
// that its cost is theirs and not their rows'.
func (s *Pebble) Partitions(ctx context.Context, after Partition, n int) ([]Partition, error) {
	if err := s.health.enter(); err != nil {
		return nil, err
	}
	defer s.health.exit()
	it, err := s.db.NewIterWithContext(ctx, &pebble.IterOptions{
		LowerBound: []byte{tagData}, UpperBound: []byte{tagData + 1},
	})
	if err != nil {
		return nil, readError(err)
	}
	defer it.Close()
	var found []Partition
	for ok := it.SeekGE(dataEnd(after)); ok && len(found) < n; {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		p := Partition(it.Key()[1:prefixLen])
		if err := s.awaitDurable(ctx, s.partitions.unsettled(p)); err != nil {
			return nil, err
		}
		found = append(found, p)
		ok = it.SeekGE(dataEnd(p))
	}
	return found, readError(it.Error())
}

// Wait implements [Waker].
func (s *Pebble) Wait(p Partition) <-chan struct{} { return s.waiters.Wait(p) }
