package kv

import (
	"hash/maphash"
	"sync"
)

// maxWaiters bounds the channels of one shard. Who waits and leaves without a
// commit cannot be seen, so a full shard is woken and begins anew.
const maxWaiters = 1024

// waiterTable holds the channels that Wait has handed out.
type waiterTable struct {
	seed   maphash.Seed
	shards [shardCount]waiterShard
}

type waiterShard struct {
	mu    sync.Mutex
	chans map[Partition]chan struct{}
	ended bool
}

func newWaiterTable() *waiterTable {
	t := &waiterTable{seed: maphash.MakeSeed()}
	for i := range t.shards {
		t.shards[i].chans = map[Partition]chan struct{}{}
	}
	return t
}

func (t *waiterTable) shard(p Partition) *waiterShard {
	return &t.shards[maphash.Comparable(t.seed, p)%shardCount]
}

func (t *waiterTable) wait(p Partition) <-chan struct{} {
	sh := t.shard(p)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if ch := sh.chans[p]; ch != nil {
		return ch
	}
	ch := make(chan struct{})
	if sh.ended {
		close(ch)
		return ch
	}
	if len(sh.chans) >= maxWaiters {
		sh.wakeAllLocked()
	}
	sh.chans[p] = ch
	return ch
}

func (t *waiterTable) wake(p Partition) {
	sh := t.shard(p)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if ch := sh.chans[p]; ch != nil {
		close(ch)
		delete(sh.chans, p)
	}
}

// end wakes everybody, now and from now on.
func (t *waiterTable) end() {
	for i := range t.shards {
		sh := &t.shards[i]
		sh.mu.Lock()
		sh.ended = true
		sh.wakeAllLocked()
		sh.mu.Unlock()
	}
}

func (sh *waiterShard) wakeAllLocked() {
	for _, ch := range sh.chans {
		close(ch)
	}
	clear(sh.chans)
}

// Wait implements [Waker].
func (s *Pebble) Wait(p Partition) <-chan struct{} { return s.waiters.wait(p) }
