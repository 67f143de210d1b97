package deferred

import (
	"context"
	"slices"
	"sync"
)

// room bounds how many bytes of contents are being fetched, or are here for those who
// read them though they are not kept. The zero value is ready.
type room struct {
	mu      sync.Mutex
	most    int64 // a content that is greater is let in alone
	used    int64
	waiting []*turn       // the first is let in first
	wanted  chan struct{} // closed while somebody waits; nil: nobody has asked
}

// turn is one who waits.
type turn struct {
	bytes int64
	begun chan struct{} // closed when there is room
}

func (r *room) fits(bytes int64) bool { return r.used == 0 || r.used+bytes <= r.most }

// take takes room, and reports whether it has. It waits for that as long as ctx lasts,
// where it may.
func (r *room) take(ctx context.Context, bytes int64, wait bool) bool {
	r.mu.Lock()
	if len(r.waiting) == 0 && r.fits(bytes) {
		r.used += bytes
		r.mu.Unlock()
		return true
	}
	if !wait {
		r.mu.Unlock()
		return false
	}
	t := &turn{bytes: bytes, begun: make(chan struct{})}
	r.waiting = append(r.waiting, t)
	r.tell()
	r.mu.Unlock()
	select {
	case <-t.begun:
		return true
	case <-ctx.Done():
		return r.leave(t)
	}
}

// leave takes back a turn, and reports whether it had begun already.
func (r *room) leave(t *turn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	i := slices.Index(r.waiting, t)
	if i < 0 {
		return true
	}
	r.waiting = slices.Delete(r.waiting, i, i+1)
	r.admit() // who is behind may have less to bring
	return false
}

// give gives room back.
func (r *room) give(bytes int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.used -= bytes
	r.admit()
}

// bound says how much room there is.
func (r *room) bound(most int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.most = most
	r.admit()
}

// admit lets in whom there is room for, in their order. The lock is held.
func (r *room) admit() {
	for len(r.waiting) > 0 && r.fits(r.waiting[0].bytes) {
		r.used += r.waiting[0].bytes
		close(r.waiting[0].begun)
		r.waiting = r.waiting[1:]
	}
	r.tell()
}

// tell keeps wanted as it should be. The lock is held.
func (r *room) tell() {
	switch isClosed := r.wanted != nil && isClosed(r.wanted); {
	case len(r.waiting) > 0 && !isClosed:
		if r.wanted == nil {
			r.wanted = make(chan struct{})
		}
		close(r.wanted)
	case len(r.waiting) == 0 && isClosed:
		r.wanted = nil
	}
}

// isWanted returns what is closed when somebody waits.
func (r *room) isWanted() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.wanted == nil {
		r.wanted = make(chan struct{})
	}
	return r.wanted
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
