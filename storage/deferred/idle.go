package deferred

import (
	"maps"
	"slices"
	"time"

	"settle/storage/couch"
)

// errIdle ends the reading of who reads too little.
var errIdle = &couch.Error{Kind: couch.Away, Reason: "Others wait for room, and nobody has read the content for some time."}

// awaitReaders waits until nobody reads a content that is not kept. Who takes nothing of
// it for some time while others wait for the room reads no more.
func (f *fetch) awaitReaders() {
	look := time.NewTicker(f.c.patience())
	defer look.Stop()
	for f.isRead() {
		select {
		case <-f.left:
		case <-look.C:
			if isClosed(f.c.room.isWanted()) {
				f.forgetLocking()
				f.endIdle()
			}
		case <-f.c.ctx.Done():
			return
		}
	}
}

// isRead reports whether anybody reads the content. Once nobody does nobody begins to.
func (f *fetch) isRead() bool {
	f.c.mu.Lock()
	defer f.c.mu.Unlock()
	if f.users == 1 {
		f.forget()
	}
	return f.users > 1
}

// forgetLocking lets nobody join any more: who comes while others wait for the room takes
// his turn.
func (f *fetch) forgetLocking() {
	f.c.mu.Lock()
	defer f.c.mu.Unlock()
	f.forget()
}

// endIdle ends the reading of those who have not read since it was called last.
func (f *fetch) endIdle() {
	f.mu.Lock()
	readers := slices.Collect(maps.Keys(f.readers))
	f.mu.Unlock()
	for _, r := range readers {
		r.mu.Lock()
		idle := !r.moved
		r.moved = false
		r.mu.Unlock()
		if idle {
			_ = r.end() // of a file that was read
		}
	}
}
