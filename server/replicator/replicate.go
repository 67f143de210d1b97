package replicator

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"settle/replication"
	"settle/replication/scheduler"
	"settle/server/auth"
	"settle/server/web"
	"settle/storage/couch"
)

// maxRequest is the largest description of a replication, in bytes: `doc_ids` may be
// many.
const maxRequest = 16 << 20

// replicate answers POST /_replicate: it runs a replication to its end, starts a
// continuous one, or cancels one.
func (r *Replicator) replicate(q *web.Request) error {
	if err := q.RequireJSON(); err != nil {
		return err
	}
	text, err := q.ReadBody(maxRequest)
	if err != nil {
		return err
	}
	var asked control
	if err := web.UnmarshalJSON(text, &asked); err != nil {
		return err
	}
	if id := asked.jobID(); asked.Cancel && id != "" {
		return r.cancel(q, id)
	}
	spec, err := replication.ParseSpec(text, r.tuning())
	if err != nil {
		return answerError(err)
	}
	t := task{spec: spec, user: q.Session.User}
	id, err := r.id(q.Context(), t)
	switch {
	case err != nil:
		return answerError(err)
	case asked.Cancel:
		return r.cancel(q, spec.JobID(id))
	}
	if running, ok := r.scheduler.Job(spec.JobID(id)); ok {
		if err := mayTouch(q.Session, running.User); err != nil {
			return err
		}
	}
	if spec.Continuous {
		r.scheduler.Add(r.lasting(t, id))
		return answerID(q, http.StatusAccepted, spec.JobID(id))
	}
	return r.runOnce(q, t, id)
}

// control is what a request says beside the replication.
type control struct {
	Cancel        bool   `json:"cancel"`
	ReplicationID string `json:"replication_id"`
	LocalID       string `json:"_local_id"`
	ID            string `json:"id"`
}

// jobID is the id of the job to cancel, where it is told by that.
func (c control) jobID() string { return cmp.Or(c.ReplicationID, c.LocalID, c.ID) }

// lasting makes the job of a continuous replication that no document asks for. One that
// has never begun and cannot, because of what its sides are, is given up: nobody is there to mend it.
func (r *Replicator) lasting(t task, id string) *scheduler.Job {
	job := r.job(t, id)
	make, last, hasBegun := job.Make, scheduler.Run(nil), false
	job.Make = func() (made scheduler.Run, err error) {
		made, err = make()
		last = made
		return made, err
	}
	job.Finished = func(_ *replication.Result, err error, _ int) bool {
		known, ok := errors.AsType[*replication.Error](err)
		hasBegun = hasBegun || last != nil && last.Progress().Through != ""
		if hasBegun || !ok || known.Kind == replication.Failed || known.Kind == replication.Full {
			return true
		}
		r.warn("a continuous replication that cannot begin is given up", err, "replication", job.ID)
		return false
	}
	return job
}

// answerID answers with the id of a job.
func answerID(q *web.Request, status int, id string) error {
	return q.WriteJSON(status, struct {
		OK bool   `json:"ok"`
		ID string `json:"_local_id"`
	}{true, id})
}

// cancel stops the job of an id, which must be the user's own, or anybody's where the
// user is an administrator. As in CouchDB one that a document asks for is stopped too,
// until the document changes or the server starts anew.
func (r *Replicator) cancel(q *web.Request, id string) error {
	status, ok := r.scheduler.Job(id)
	if !ok {
		return couch.ErrNotFound
	}
	if err := mayTouch(q.Session, status.User); err != nil {
		return err
	}
	if !r.scheduler.Remove(status.Job) { // another may have its id by now
		return couch.ErrNotFound
	}
	r.docs.cancelled(docKey{status.Database, couch.DocID(status.DocID)}, id)
	r.tell(id, outcome{err: context.Canceled})
	return answerID(q, http.StatusOK, id)
}

// mayTouch refuses to ask for somebody else's job.
func mayTouch(s auth.Session, owner string) error {
	if s.IsServerAdmin() || s.User.Name == owner {
		return nil
	}
	return couch.Errorf(couch.Unauthorized, "Not the owner of the replication job")
}

// outcome is how a run ended.
type outcome struct {
	result *replication.Result
	err    error
}

// runOnce runs a replication to its end, or waits for the same one that runs already.
// One that fails is not tried again. It goes on when the client goes away.
func (r *Replicator) runOnce(q *web.Request, t task, id string) error {
	job := r.job(t, id)
	job.Finished = func(result *replication.Result, err error, _ int) bool {
		r.tell(job.ID, outcome{result, err})
		return false
	}
	ended := r.await(job.ID)
	defer r.leave(job.ID, ended)
	look := time.NewTicker(time.Second)
	defer look.Stop()
	for {
		if len(ended) == 0 && !r.scheduler.Add(job) {
			if other, ok := r.scheduler.Job(job.ID); ok {
				if err := mayTouch(q.Session, other.User); err != nil {
					return err
				}
			}
		}
		select {
		case o := <-ended:
			if o.err != nil {
				return answerError(o.err)
			}
			return answerResult(q, o.result)
		case <-look.C: // that of a document, or one that was ending in front of await, tells nobody: then this one runs
		case <-q.Context().Done():
			return q.Context().Err()
		case <-r.ctx.Done():
			return couch.ErrUnavailable
		}
	}
}

// await returns where the end of a job will be told.
func (r *Replicator) await(id string) <-chan outcome {
	r.mu.Lock()
	defer r.mu.Unlock()
	ended := make(chan outcome, 1)
	r.waiting[id] = append(r.waiting[id], ended)
	return ended
}

// leave takes back an await.
func (r *Replicator) leave(id string, ended <-chan outcome) {
	r.mu.Lock()
	defer r.mu.Unlock()
	others := slices.DeleteFunc(r.waiting[id], func(c chan outcome) bool { return c == ended })
	if r.waiting[id] = others; len(others) == 0 {
		delete(r.waiting, id)
	}
}

// tell tells all who wait for the end of a job.
func (r *Replicator) tell(id string, o outcome) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, ended := range r.waiting[id] {
		ended <- o
	}
	delete(r.waiting, id)
}

// answerResult answers with what a replication has done.
func answerResult(q *web.Request, result *replication.Result) error {
	if result.Unrecorded {
		return q.WriteJSON(http.StatusOK, struct {
			OK             bool `json:"ok"`
			UseCheckpoints bool `json:"use_checkpoints"`
		}{OK: true})
	}
	return q.WriteJSON(http.StatusOK, struct {
		OK        bool `json:"ok"`
		NoChanges bool `json:"no_changes,omitempty"`
		*replication.Checkpoint
	}{true, result.NoChanges, result.Checkpoint})
}

// statuses are the answers to the kinds of errors.
var statuses = map[replication.Kind]int{
	replication.Failed: http.StatusInternalServerError, replication.Invalid: http.StatusBadRequest,
	replication.Missing: http.StatusNotFound, replication.Unauthorized: http.StatusUnauthorized,
	replication.Forbidden: http.StatusForbidden, replication.LoginRefused: http.StatusUnauthorized,
	replication.OutOfSync: http.StatusInternalServerError, replication.Full: http.StatusInsufficientStorage,
}

// answerError makes the answer to an error of a replication. CouchDB answers 500 where
// a database is missing or a password wrong, and so does settle: clients look for it.
func answerError(err error) error {
	known, ok := errors.AsType[*replication.Error](err)
	switch {
	case !ok && errors.Is(err, context.Canceled):
		return &web.Error{Status: http.StatusInternalServerError, Name: "replication_cancelled", Reason: "The replication was cancelled."}
	case !ok:
		return err
	}
	status, name := statuses[known.Kind], known.Name()
	if known.Kind == replication.Missing || known.Kind == replication.LoginRefused {
		status = http.StatusInternalServerError
	}
	if errors.Is(err, &couch.Error{Kind: couch.BadRequest}) {
		name = "bad_request"
	}
	return &web.Error{Status: status, Name: name, Reason: known.Reason}
}
