package query

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"settle/storage"
	"settle/storage/couch"
	"settle/storage/view"
)

// gather is how long changed databases are gathered before their indexes are looked
// at.
const gather = time.Second

// Follower lets the indexes of databases that change be brought up to date in the
// background, as CouchDB's ken does.
type Follower struct {
	store   *storage.Store
	indexes *view.Indexes
	logger  *slog.Logger
	forget  func() // ends the listening
	stop    context.CancelFunc
	done    chan struct{} // closed when it has ended
	woken   chan struct{} // holds a token while there may be databases

	mu      sync.Mutex
	changed map[string]struct{}
}

// Follow begins to listen. Close must be called before the indexes are closed.
func Follow(store *storage.Store, indexes *view.Indexes, logger *slog.Logger) *Follower {
	ctx, stop := context.WithCancel(context.Background())
	f := &Follower{
		store: store, indexes: indexes, logger: logger, stop: stop,
		done: make(chan struct{}), woken: make(chan struct{}, 1), changed: make(map[string]struct{}),
	}
	f.forget = store.OnEvent(f.note)
	go func() {
		defer close(f.done)
		f.run(ctx)
	}()
	return f
}

// Close ends the listening.
func (f *Follower) Close() {
	f.forget()
	f.stop()
	<-f.done
}

func (f *Follower) note(t storage.EventType, database string) {
	if t != storage.DatabaseUpdated {
		return
	}
	f.mu.Lock()
	f.changed[database] = struct{}{}
	f.mu.Unlock()
	select {
	case f.woken <- struct{}{}:
	default:
	}
}

func (f *Follower) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-f.woken:
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(gather):
		}
		f.mu.Lock()
		changed := f.changed
		f.changed = make(map[string]struct{})
		f.mu.Unlock()
		for name := range changed {
			f.update(ctx, name)
		}
	}
}

// update lets the indexes of one database be updated when their turn comes.
func (f *Follower) update(ctx context.Context, name string) {
	db, err := f.store.Database(ctx, name)
	if err == nil {
		err = f.indexes.UpdateAllLater(ctx, db)
	}
	if err != nil && ctx.Err() == nil && !errors.Is(err, couch.ErrDatabaseMissing) && !errors.Is(err, couch.ErrUnavailable) {
		f.logger.Warn("the indexes of a database could not be looked at", "error", err)
	}
}
