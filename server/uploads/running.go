package uploads

import (
	"context"
	"sync"
	"time"

	"settle/storage/couch"
)

// patience is how long a request waits for the one before it to end.
const patience = 5 * time.Second

// running are the requests that work on uploads, one for each. The zero value is ready.
type running struct {
	mu   sync.Mutex
	byID map[couch.BlobID]*holder // guarded by mu
}

type holder struct {
	interrupt func() // does not block; called with the lock held; nil: it is waited for
	done      chan struct{}
}

// begin makes the caller the only one that works on an upload, until it calls release;
// whoever comes later calls interrupt, where it is not nil. One that was there before is
// interrupted, and waited for; where that takes too long the error is a web.Error with
// status 423.
func (r *running) begin(ctx context.Context, id couch.BlobID, interrupt func()) (release func(), err error) {
	mine := &holder{interrupt, make(chan struct{})}
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	for {
		other := r.enter(id, mine)
		if other == nil {
			return func() { r.leave(id, mine) }, nil
		}
		select {
		case <-other.done:
		case <-timeout.C:
			return nil, errLocked
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// enter returns who is there already, interrupted. It holds the lock meanwhile: once
// that one has left, its connection may serve another request, which is not meant.
func (r *running) enter(id couch.BlobID, mine *holder) (other *holder) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if other := r.byID[id]; other != nil {
		if other.interrupt != nil {
			other.interrupt()
		}
		return other
	}
	if r.byID == nil {
		r.byID = make(map[couch.BlobID]*holder)
	}
	r.byID[id] = mine
	return nil
}

func (r *running) leave(id couch.BlobID, mine *holder) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.byID, id)
	close(mine.done)
}
