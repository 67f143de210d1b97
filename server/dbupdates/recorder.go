package dbupdates

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"time"

	"settle/storage"
	"settle/storage/couch"
	"settle/storage/docjson"
)

// DatabaseName is the database that the events are written to.
const DatabaseName = "_global_changes"

// listChanged is the event of a database made or deleted.
const listChanged couch.DocID = "updated:_dbs"

const (
	gather = 100 * time.Millisecond // how long events are gathered before they are written
	pause  = time.Second            // before what has failed is tried again
)

// Recorder writes down the events of a store.
type Recorder struct {
	store  *storage.Store
	logger *slog.Logger
	forget func() // ends the listening
	stop   context.CancelFunc
	done   chan struct{} // closed when it has ended
	woken  chan struct{} // holds a token while there may be events

	mu     sync.Mutex
	events []batch // not yet written, in order
}

// batch is events that are written together. They get sequences in the order of
// their names, so no two of them may be about one database's making and deletion.
type batch map[couch.DocID]struct{}

// Start begins to listen. Close must be called before the store is closed.
func Start(store *storage.Store, logger *slog.Logger) *Recorder {
	ctx, stop := context.WithCancel(context.Background())
	r := &Recorder{store: store, logger: logger, stop: stop, done: make(chan struct{}), woken: make(chan struct{}, 1)}
	r.forget = store.OnEvent(r.note)
	go func() {
		defer close(r.done)
		r.run(ctx)
	}()
	return r
}

// Close ends the listening and writes what is left.
func (r *Recorder) Close() {
	r.forget()
	r.stop()
	<-r.done
}

// note takes an event. It does not wait.
func (r *Recorder) note(t storage.EventType, database string) {
	if database == DatabaseName && t == storage.DatabaseUpdated {
		return // it would never end
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	last := r.batchFor(t, database)
	if database != DatabaseName {
		last[eventID(t, database)] = struct{}{}
	}
	if t != storage.DatabaseUpdated {
		last[listChanged] = struct{}{}
	}
	select {
	case r.woken <- struct{}{}:
	default:
	}
}

func eventID(t storage.EventType, database string) couch.DocID {
	return couch.DocID(string(t) + ":" + database)
}

// batchFor returns the batch that an event goes to. A database's making begins
// another one than its deletion, and the deletion another than what came before.
func (r *Recorder) batchFor(t storage.EventType, database string) batch {
	if n := len(r.events); n > 0 {
		last := r.events[n-1]
		_, made := last[eventID(storage.DatabaseCreated, database)]
		_, changed := last[eventID(storage.DatabaseUpdated, database)]
		_, deleted := last[eventID(storage.DatabaseDeleted, database)]
		if !(t == storage.DatabaseDeleted && (made || changed)) && !(t != storage.DatabaseDeleted && deleted) {
			return last
		}
	}
	r.events = append(r.events, batch{})
	return r.events[len(r.events)-1]
}

// run writes events until ctx ends, and then what is left.
func (r *Recorder) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
		case <-r.woken:
		}
		wait(ctx, gather)
		if err := r.write(context.WithoutCancel(ctx)); err != nil {
			if !errors.Is(err, couch.ErrUnavailable) { // who ended the store tells of it
				r.logger.Warn("events of databases could not be written; it is tried again", "error", err)
			}
			wait(ctx, pause)
		}
		if ctx.Err() != nil {
			return
		}
	}
}

// wait waits for a time, or for the end of ctx.
func wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// write writes the events that there are. What fails stays in front.
func (r *Recorder) write(ctx context.Context) error {
	r.mu.Lock()
	events := r.events
	r.events = nil
	r.mu.Unlock()
	for i, b := range events {
		if err := r.record(ctx, b); err != nil {
			r.mu.Lock()
			r.events = append(events[i:], r.events...)
			r.mu.Unlock()
			select {
			case r.woken <- struct{}{}:
			default:
			}
			return err
		}
	}
	return nil
}

// record gives each event's document a new revision; where there is no database for
// them it does nothing.
func (r *Recorder) record(ctx context.Context, events batch) error {
	db, err := r.store.Database(ctx, DatabaseName)
	if errors.Is(err, couch.ErrDatabaseMissing) {
		return nil
	}
	if err != nil {
		return err
	}
	var docs []*couch.Document
	for id := range events {
		doc, err := next(ctx, db, id)
		if err != nil {
			return unlessMissing(err)
		}
		docs = append(docs, doc)
	}
	_, err = db.BulkDocs(ctx, storage.Docs(docs...)) // a conflict is somebody else's edit, and shows as one
	return unlessMissing(err)
}

// emptyBody is the content of an event.
var emptyBody = func() couch.Body {
	doc, err := docjson.NewReader(strings.NewReader("{}")).Document(docjson.Options{})
	if err != nil {
		panic(err) // it is a good one
	}
	return doc.Body
}()

// next returns the next revision of an event's document.
func next(ctx context.Context, db *storage.Database, id couch.DocID) (*couch.Document, error) {
	doc := &couch.Document{ID: id, Body: emptyBody}
	last, err := db.Get(ctx, id, couch.GetOptions{})
	switch {
	case err == nil:
		doc.Revisions = last.Revisions
	case !errors.Is(err, couch.ErrNotFound) && !errors.Is(err, couch.ErrDeleted):
		return nil, err
	}
	return doc, nil
}

func unlessMissing(err error) error {
	if errors.Is(err, couch.ErrDatabaseMissing) {
		return nil
	}
	return err
}
