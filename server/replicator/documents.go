package replicator

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	"settle/replication"
	"settle/replication/scheduler"
	"settle/storage"
	"settle/storage/couch"
)

// documents follows the documents of all replicator databases.
type documents struct {
	r *Replicator

	mu      sync.Mutex
	entries map[docKey]*entry
	follows map[string]*followed
}

// followed is a database that is followed. Its fields are under the lock of the
// documents.
type followed struct {
	incarnation couch.Incarnation
	since       couch.Seq     // changes behind it are still to be handled
	ended       chan struct{} // closed when it is followed no more
}

// docKey names a document.
type docKey struct {
	database string
	id       couch.DocID
}

// entry is a document that is no tombstone. Its fields are under the lock of the
// documents.
type entry struct {
	key     docKey
	rev     couch.RevID
	spec    *replication.Spec // nil: the document is none of a replication
	jobID   string            // empty: not known yet
	state   string            // completed or failed, or empty while there is a job, or to be one
	reason  string
	stats   []byte // JSON, of a completed one
	started time.Time
	updated string
	errors  int
	cancel  context.CancelFunc // ends what makes the job; nil: nothing does
}

func newDocuments(r *Replicator) *documents {
	return &documents{r: r, entries: make(map[docKey]*entry), follows: make(map[string]*followed)}
}

// follow looks for replicator databases, until ctx ends. It waits for what it began.
func (d *documents) follow(ctx context.Context) {
	var following sync.WaitGroup
	defer following.Wait()
	for ctx.Err() == nil {
		changed := d.r.Store.DatabasesChanged()
		for name, err := range d.r.Store.Databases(ctx, storage.NameRange{Limit: -1}) {
			if err != nil {
				break
			}
			if IsReplicatorDatabase(name) {
				d.begin(ctx, name, &following)
			}
		}
		select {
		case <-changed:
			// Many databases may come at once.
			select {
			case <-time.After(100 * time.Millisecond):
			case <-ctx.Done():
			}
		case <-ctx.Done():
		}
	}
}

// begin follows a database, unless that goes on already.
func (d *documents) begin(ctx context.Context, name string, following *sync.WaitGroup) {
	db, err := d.r.Store.Database(ctx, name)
	if err != nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	before := d.follows[name]
	if before != nil && before.incarnation == db.Incarnation() {
		return
	}
	f := &followed{incarnation: db.Incarnation(), ended: make(chan struct{})}
	d.follows[name] = f
	following.Go(func() {
		defer close(f.ended)
		if before != nil { // was dropped, and what came of its documents is still being stopped
			<-before.ended
		}
		d.followDatabase(ctx, db, f)
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.follows[name] == f {
			delete(d.follows, name)
		}
	})
}

// retryPause is how long a database that cannot be read is left alone.
const retryPause = 5 * time.Second

// followDatabase does what the changes of one database ask for, until it is dropped.
func (d *documents) followDatabase(ctx context.Context, db *storage.Database, f *followed) {
	for ctx.Err() == nil {
		more := db.Wait()
		var err error
		for change, changeErr := range db.Changes(ctx, couch.ChangesOptions{Since: f.since, IncludeDocs: true}) {
			if err = changeErr; err != nil {
				break
			}
			d.handle(ctx, db, change)
			d.mu.Lock()
			f.since = change.Seq
			d.mu.Unlock()
		}
		if errors.Is(err, couch.ErrDatabaseMissing) {
			d.forgetDatabase(db.Name())
			return
		}
		if err != nil && ctx.Err() == nil {
			d.r.warn("a replicator database could not be read; it is tried again", err)
			select {
			case <-time.After(retryPause):
			case <-ctx.Done():
			}
			continue
		}
		select {
		case <-more:
		case <-ctx.Done():
		}
	}
}

// forgetDatabase forgets the documents of a database, and stops their jobs.
func (d *documents) forgetDatabase(name string) {
	d.mu.Lock()
	var gone []*entry
	for key, e := range d.entries {
		if key.database == name {
			gone = append(gone, e)
			delete(d.entries, key)
		}
	}
	d.mu.Unlock()
	var stopping sync.WaitGroup
	turns := make(chan struct{}, stopsAtOnce)
	for _, e := range gone {
		turns <- struct{}{}
		stopping.Go(func() {
			d.stop(e)
			<-turns
		})
	}
	stopping.Wait()
}

// stopsAtOnce is how many jobs are stopped at once: each that runs says goodbye to its
// peers first, who may not answer.
const stopsAtOnce = 500

// handle does what one change asks for.
func (d *documents) handle(ctx context.Context, db *storage.Database, change couch.Change) {
	if change.ID.IsDesign() {
		return
	}
	key := docKey{db.Name(), change.ID}
	if change.Deleted || change.Doc == nil {
		d.remove(key)
		return
	}
	e, t, err := d.newEntry(key, change.Doc)
	d.replace(e)
	switch {
	case err != nil:
		d.end(ctx, e, stateFailed, err.Error(), nil)
	case e.state == "":
		d.launch(ctx, e, t)
	}
}

// newEntry makes the entry of a document that is no tombstone, and the replication that
// it asks for, unless it says itself how that ended. The error says why it asks for none.
func (d *documents) newEntry(key docKey, doc *couch.Document) (*entry, task, error) {
	said, spec, err := parseDocument(doc.Body.Text, d.r.tuning())
	e := &entry{key: key, rev: doc.Rev(), spec: spec, updated: cmp.Or(said.StateTime, timestamp(time.Now())), started: time.Now()}
	switch {
	case said.State == stateCompleted || said.State == stateFailed:
		e.state, e.reason, e.stats = said.State, said.Reason, said.Stats
		return e, task{}, nil
	case err != nil:
		e.state, e.reason = stateFailed, err.Error()
		return e, task{}, err
	}
	return e, task{spec: spec, user: said.UserCtx.user()}, nil
}

// replace puts an entry in the place of the one before, whose job is stopped.
func (d *documents) replace(e *entry) {
	d.remove(e.key)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.entries[e.key] = e
}

// remove forgets a document, and stops its job.
func (d *documents) remove(key docKey) {
	d.mu.Lock()
	e, ok := d.entries[key]
	delete(d.entries, key)
	d.mu.Unlock()
	if ok {
		d.stop(e)
	}
}

// stop stops the job of an entry that is forgotten, or what makes it.
func (d *documents) stop(e *entry) {
	d.mu.Lock() // and what has been written of the entry before is seen
	if e.cancel != nil {
		e.cancel()
	}
	d.mu.Unlock()
	if status, ok := d.job(e); ok {
		d.r.scheduler.Remove(status.Job)
	}
}

// cancelled notes that the job of a document was stopped by a request.
func (d *documents) cancelled(key docKey, jobID string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if e := d.entries[key]; e != nil && e.jobID == jobID {
		e.jobID, e.errors, e.reason, e.updated = "", 1, "The replication was cancelled.", timestamp(time.Now())
	}
}

// launch makes the job of a document. Where its id takes reading the source, or somebody
// runs the same replication by a request, that goes on behind, again and again until it
// succeeds.
func (d *documents) launch(ctx context.Context, e *entry, t task) {
	if f := t.spec.Filter.Function; f == "" || f[0] == '_' {
		id, err := d.r.id(ctx, t)
		if err != nil {
			d.end(ctx, e, stateFailed, err.Error(), nil)
			return
		}
		if d.schedule(ctx, e, t, id) == nil {
			return
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	d.mu.Lock()
	e.cancel = cancel
	d.mu.Unlock()
	d.r.working.Go(func() {
		defer cancel()
		for pause := time.Second; ctx.Err() == nil; pause = min(2*pause, time.Hour) {
			id, err := d.r.id(ctx, t)
			if err == nil {
				err = d.schedule(ctx, e, t, id)
			}
			if err == nil {
				return
			}
			d.mu.Lock()
			e.errors, e.reason = e.errors+1, err.Error()
			d.mu.Unlock()
			select {
			case <-time.After(pause):
			case <-ctx.Done():
			}
		}
	})
}

// schedule gives the job to the scheduler. The error is errBusy.
func (d *documents) schedule(ctx context.Context, e *entry, t task, id string) error {
	job := d.r.job(t, id)
	job.Database, job.DocID = e.key.database, string(e.key.id)
	job.Finished = func(result *replication.Result, err error, _ int) bool {
		d.r.tell(job.ID, outcome{result, err})
		if err != nil {
			return true
		}
		d.complete(e, result)
		return false
	}
	if d.add(e, job) || ctx.Err() != nil {
		return nil
	}
	if other, ok := d.r.scheduler.Job(job.ID); !ok || other.Database == "" {
		return errBusy
	}
	d.end(ctx, e, stateFailed, "Another document asks for the same replication.", nil)
	return nil
}

// add gives a job to the scheduler, unless that has one of its id; then it returns false.
// The lock is held meanwhile: whoever forgets the document finds its job, or comes first,
// and there is none.
func (d *documents) add(e *entry, job *scheduler.Job) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.entries[e.key] != e {
		return true
	}
	if !d.r.scheduler.Add(job) {
		return false
	}
	e.jobID, e.errors, e.reason = job.ID, 0, ""
	return true
}

// errBusy says that somebody runs the same replication by a request.
var errBusy = replication.Errorf(replication.Failed, "The same replication is running, by a request to `_replicate`.")

// complete notes that a replication has reached its end.
func (d *documents) complete(e *entry, result *replication.Result) {
	stats := newInfo(replication.Stats{}, "0")
	if c := result.Checkpoint; c != nil && len(c.History) > 0 {
		stats = newInfo(c.History[0].Stats, c.LastSeq)
	}
	stats.StartTime = timestamp(e.started)
	d.end(context.WithoutCancel(d.r.ctx), e, stateCompleted, "", stats)
}

// end writes into a document how its replication ended, unless it has changed.
func (d *documents) end(ctx context.Context, e *entry, state, reason string, stats *info) {
	d.mu.Lock()
	e.state, e.reason, e.updated = state, reason, timestamp(time.Now())
	d.mu.Unlock()
	if err := d.write(ctx, e, stateMembers(state, reason, stats)); err != nil && ctx.Err() == nil {
		d.r.warn("the state of a replication could not be written", err, "state", state)
	}
}

func (d *documents) write(ctx context.Context, e *entry, set []member) error {
	db, err := d.r.Store.Database(ctx, e.key.database)
	if err != nil {
		return err
	}
	doc, err := db.Get(ctx, e.key.id, couch.GetOptions{Revs: true})
	if err != nil || doc.Rev() != e.rev {
		return nil // it has another state by now
	}
	changed := *doc
	if changed.Body, err = withMembers(doc.Body.Text, set...); err != nil {
		return err
	}
	results, err := db.BulkDocs(ctx, storage.Docs(&changed))
	if err == nil && !errors.Is(results[0].Err, couch.ErrConflict) {
		err = results[0].Err
	}
	return err
}

// job returns what the scheduler says of an entry's job.
func (d *documents) job(e *entry) (scheduler.Status, bool) {
	status, ok := d.r.scheduler.Job(e.jobID)
	return status, ok && status.Database == e.key.database && status.DocID == string(e.key.id)
}
