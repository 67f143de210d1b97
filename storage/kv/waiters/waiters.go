// Package waiters keeps channels that are closed when something happens to what they are of.
package waiters

import (
	"hash/maphash"
	"sync"
	"time"
)

// Who waits and leaves cannot be seen. So a shard with more than few channels wakes, at
// most once in age, those that nobody has asked for in that time: a live waiter looks
// again, a few times an hour.
const (
	few = 1024
	age = 10 * time.Minute
)

// shardCount is in how many parts a table is locked.
const shardCount = 64

// Table holds the channels that Wait has handed out. It is safe for concurrent use.
type Table[K comparable] struct {
	seed   maphash.Seed
	shards [shardCount]shard[K]
}

type shard[K comparable] struct {
	mu    sync.Mutex
	chans map[K]chan struct{} // asked for since turned
	old   map[K]chan struct{} // asked for before
	ended bool

	turned time.Time // when chans became old
}

// New returns an empty table.
func New[K comparable]() *Table[K] {
	t := &Table[K]{seed: maphash.MakeSeed()}
	for i := range t.shards {
		t.shards[i].chans = map[K]chan struct{}{}
	}
	return t
}

func (t *Table[K]) shard(k K) *shard[K] {
	return &t.shards[maphash.Comparable(t.seed, k)%shardCount]
}

// Wait returns a channel that is closed after the next Wake of k or End. It may be closed
// without them, seldom.
func (t *Table[K]) Wait(k K) <-chan struct{} {
	sh := t.shard(k)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	sh.turnLocked()
	ch := sh.chans[k]
	if ch != nil {
		return ch
	}
	if ch = sh.old[k]; ch != nil {
		delete(sh.old, k)
	} else {
		ch = make(chan struct{})
	}
	if sh.ended {
		close(ch)
		return ch
	}
	sh.chans[k] = ch
	return ch
}

// turnLocked wakes the channels that have got old, and lets the others age.
func (sh *shard[K]) turnLocked() {
	if len(sh.chans)+len(sh.old) < few || time.Since(sh.turned) < age {
		return
	}
	for _, ch := range sh.old {
		close(ch)
	}
	sh.old, sh.chans, sh.turned = sh.chans, map[K]chan struct{}{}, time.Now()
}

// Wake closes the channel of k.
func (t *Table[K]) Wake(k K) {
	sh := t.shard(k)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	for _, chans := range []map[K]chan struct{}{sh.chans, sh.old} {
		if ch := chans[k]; ch != nil {
			close(ch)
			delete(chans, k)
		}
	}
}

// End wakes everybody, now and from now on.
func (t *Table[K]) End() {
	for i := range t.shards {
		sh := &t.shards[i]
		sh.mu.Lock()
		sh.ended = true
		sh.wakeAllLocked()
		sh.mu.Unlock()
	}
}

func (sh *shard[K]) wakeAllLocked() {
	for _, ch := range sh.chans {
		close(ch)
	}
	for _, ch := range sh.old {
		close(ch)
	}
	clear(sh.chans)
	clear(sh.old)
}
