package kv

import (
	"hash/maphash"
	"sync"
	"time"
)

// Who waits and leaves without a commit cannot be seen. So a shard with more than
// fewWaiters channels wakes, at most once in waiterAge, those that nobody has asked
// for in that time: a live waiter looks again, a few times an hour.
const (
	fewWaiters = 1024
	waiterAge  = 10 * time.Minute
)

// waiterTable holds the channels that Wait has handed out.
type waiterTable struct {
	seed   maphash.Seed
	shards [shardCount]waiterShard
}

type waiterShard struct {
	mu    sync.Mutex
	chans map[Partition]chan struct{} // asked for since turned
	old   map[Partition]chan struct{} // asked for before
	ended bool

	turned time.Time // when chans became old
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
	sh.turnLocked()
	ch := sh.chans[p]
	if ch != nil {
		return ch
	}
	if ch = sh.old[p]; ch != nil {
		delete(sh.old, p)
	} else {
		ch = make(chan struct{})
	}
	if sh.ended {
		close(ch)
		return ch
	}
	sh.chans[p] = ch
	return ch
}

// turnLocked wakes the channels that have got old, and lets the others age.
func (sh *waiterShard) turnLocked() {
	if len(sh.chans)+len(sh.old) < fewWaiters || time.Since(sh.turned) < waiterAge {
		return
	}
	for _, ch := range sh.old {
		close(ch)
	}
	sh.old, sh.chans, sh.turned = sh.chans, map[Partition]chan struct{}{}, time.Now()
}

func (t *waiterTable) wake(p Partition) {
	sh := t.shard(p)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	for _, chans := range []map[Partition]chan struct{}{sh.chans, sh.old} {
		if ch := chans[p]; ch != nil {
			close(ch)
			delete(chans, p)
		}
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
	for _, ch := range sh.old {
		close(ch)
	}
	clear(sh.chans)
	clear(sh.old)
}

// Wait implements [Waker].
func (s *Pebble) Wait(p Partition) <-chan struct{} { return s.waiters.wait(p) }
