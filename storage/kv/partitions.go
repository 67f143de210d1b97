package kv

import (
	"context"
	"hash/maphash"
	"sync"
	"sync/atomic"
)

// partition is what the engine keeps in memory for a partition while somebody
// writes to it. Nothing is kept for the others.
type partition struct {
	id     Partition
	refs   int           // guarded by the shard's mu
	writer chan struct{} // holds one token while an Update runs
	// last is the newest commit that may not be durable yet. It is set before
	// the batch is applied: whoever sees a row also sees here that it may not be
	// on disk. nil: everything is.
	last atomic.Pointer[commit]
}

const shardCount = 64 // power of two

// partitionTable finds the partitions in use.
type partitionTable struct {
	seed   maphash.Seed
	shards [shardCount]partitionShard
}

type partitionShard struct {
	mu   sync.Mutex
	used map[Partition]*partition
}

func newPartitionTable() *partitionTable {
	t := &partitionTable{seed: maphash.MakeSeed()}
	for i := range t.shards {
		t.shards[i].used = map[Partition]*partition{}
	}
	return t
}

func (t *partitionTable) shard(p Partition) *partitionShard {
	return &t.shards[maphash.Comparable(t.seed, p)%shardCount]
}

// acquire returns the entry of p, made when there is none; release gives it back.
func (t *partitionTable) acquire(p Partition) *partition {
	sh := t.shard(p)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	e := sh.used[p]
	if e == nil {
		e = &partition{id: p, writer: make(chan struct{}, 1)}
		sh.used[p] = e
	}
	e.refs++
	return e
}

// retain adds a reference to an entry that the caller holds.
func (t *partitionTable) retain(e *partition) {
	sh := t.shard(e.id)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	e.refs++
}

func (t *partitionTable) release(e *partition) {
	sh := t.shard(e.id)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if e.refs--; e.refs == 0 {
		delete(sh.used, e.id)
	}
}

// unsettled returns the newest commit of p that may not be durable, or nil.
func (t *partitionTable) unsettled(p Partition) *commit {
	sh := t.shard(p)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if e := sh.used[p]; e != nil {
		return e.last.Load()
	}
	return nil
}

// lock makes the caller the only writer of the partition, until unlock.
func (e *partition) lock(ctx context.Context, h *health) error {
	select {
	case e.writer <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-h.dead:
		return h.failure()
	}
}

func (e *partition) unlock() { <-e.writer }
