package replication

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"settle/storage/couch"
)

// Options says what a Replication stands on. All but Origin are required.
type Options struct {
	ID     string // by Spec.ID
	Source Source
	Target Target
	Logger *slog.Logger
	// Origin describes the source to whoever fetches contents from it later; it is set
	// where the spec is Deferred.
	Origin *OriginText
}

// Replication is one run of a replication.
type Replication struct {
	Options
	spec *Spec

	history   []Session // of the runs before
	session   Session
	recorded  Seq         // up to which the checkpoints tell
	sourceLog *Checkpoint // as it is stored; nil: it is not
	targetLog *Checkpoint
	started   map[Side]Info

	mu       sync.Mutex
	before   Stats // of the runs before
	stats    Stats // of this run
	progress progress
	readSeq  Seq // the newest row that was read
	pending  int64
	asked    Seq // what pending lies behind
}

// New returns a replication that has not begun.
func New(spec *Spec, o Options) *Replication {
	return &Replication{Options: o, spec: spec, started: make(map[Side]Info), pending: -1}
}

// Result is what a replication that ended by itself has done.
type Result struct {
	NoChanges  bool
	Checkpoint *Checkpoint // nil: there never was anything to do
	Unrecorded bool        // there were changes, and the checkpoint is not stored
}

// Run replicates until the source has no more changes, or until ctx ends. It keeps a
// checkpoint as it goes, and at its end, however it ends. The error is an *Error, or
// that of ctx.
func (r *Replication) Run(ctx context.Context) (*Result, error) {
	if err := r.open(ctx); err != nil {
		return nil, err
	}
	if err := r.resume(ctx); err != nil {
		return nil, err
	}
	err := r.copy(ctx)
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), checkpointTime)
	defer cancel()
	if err == nil {
		ending = ctx
	}
	if recordErr := r.record(ending); err == nil {
		err = recordErr
	}
	if err != nil {
		return nil, asError(err)
	}
	return r.result(), nil
}

// checkpointTime is how long the last checkpoint of a run that was stopped may take.
const checkpointTime = 5 * time.Second

// asError gives an error of no other kind the kind Failed.
func asError(err error) error {
	if _, ok := errors.AsType[*Error](err); ok || errors.Is(err, context.Canceled) {
		return err
	}
	if errors.Is(err, couch.ErrDatabaseMissing) {
		return &Error{Kind: Missing, Reason: "a database is gone"}
	}
	return &Error{Kind: Failed, Reason: "the replication was cut short", Err: err}
}

// open looks whether both databases are there.
func (r *Replication) open(ctx context.Context) (err error) {
	if r.started[r.Source], err = r.Source.Open(ctx); err != nil {
		return err
	}
	if r.spec.CreateTarget {
		if err := r.Target.Create(ctx, r.spec.CreateTargetParams); err != nil {
			return err
		}
	}
	if r.started[r.Target], err = r.Target.Open(ctx); err != nil || !r.spec.Deferred {
		return err
	}
	target, ok := r.Target.(Deferrer)
	if !ok {
		return Errorf(Invalid, "attachments can be deferred in databases of this server only")
	}
	return target.Defer(ctx, r.Origin.ID, r.Origin.Text)
}

// resume finds out where to begin.
func (r *Replication) resume(ctx context.Context) (err error) {
	if r.sourceLog, err = r.Source.Checkpoint(ctx, r.ID); err != nil {
		return err
	}
	if r.targetLog, err = r.Target.Checkpoint(ctx, r.ID); err != nil {
		return err
	}
	start, history := resumeFrom(r.sourceLog, r.targetLog)
	r.mu.Lock() // Progress may look
	defer r.mu.Unlock()
	r.history = history
	if r.spec.SinceSeq != "" && (start == "0" || !r.spec.Continuous) { // a continuous one has many runs
		start = Seq(r.spec.SinceSeq)
	}
	if len(r.history) > 0 {
		r.before = r.history[0].Stats
	}
	r.recorded = start
	r.session = Session{SessionID: newSessionID(), StartTime: httpTime(time.Now()), StartSeq: start}
	r.progress.start(string(start))
	return nil
}

// record stores how far the replication has come, on both sides.
func (r *Replication) record(ctx context.Context) error {
	r.mu.Lock()
	through, stats := Seq(r.progress.through), r.before.add(r.stats)
	r.mu.Unlock()
	if through == r.recorded {
		return nil
	}
	for _, side := range []Side{r.Target, r.Source} {
		info, err := side.Commit(ctx)
		if isDenied(err) && side == Side(r.Source) {
			continue
		}
		if err != nil {
			return err
		}
		if info != r.started[side] {
			return Errorf(OutOfSync, "a database was made anew, or has lost writes, since the replication began")
		}
	}
	if err := r.store(ctx, r.checkpoint(through, stats)); err != nil {
		return err
	}
	r.mu.Lock()
	r.recorded = through
	r.mu.Unlock()
	return nil
}

// checkpoint makes the checkpoint for what was done so far.
func (r *Replication) checkpoint(through Seq, stats Stats) *Checkpoint {
	now := r.session
	now.EndTime, now.EndSeq, now.Recorded, now.Stats = httpTime(time.Now()), through, through, stats
	history := append([]Session{now}, r.history...)
	c := &Checkpoint{SessionID: now.SessionID, LastSeq: through, Version: IDVersion, History: history[:min(len(history), maxHistory)]}
	if r.spec.Filter.DocIDs != nil {
		c.Totals = &Totals{now.StartTime, now.EndTime, stats.DocsRead, stats.DocsWritten, stats.DocWriteFailures}
	}
	return c
}

// store writes the checkpoint to both sides. A source on which the user may write none
// goes without: the next run starts over.
func (r *Replication) store(ctx context.Context, c *Checkpoint) error {
	source, target := *c, *c
	if r.spec.NoCheckpoints {
		r.sourceLog, r.targetLog = &source, &target
		return nil
	}
	if r.sourceLog != nil {
		source.Rev = r.sourceLog.Rev
	}
	if r.targetLog != nil {
		target.Rev = r.targetLog.Rev
	}
	err := r.Source.PutCheckpoint(ctx, r.ID, &source)
	if isDenied(err) {
		r.Logger.Warn("the source of a replication takes no checkpoint; the next run starts over", "replication", r.ID)
	} else if err != nil {
		return err
	}
	if err := r.Target.PutCheckpoint(ctx, r.ID, &target); err != nil {
		return err
	}
	r.sourceLog, r.targetLog = &source, &target
	return nil
}

func isDenied(err error) bool {
	for _, as := range []error{
		&Error{Kind: Unauthorized}, &Error{Kind: Forbidden}, &couch.Error{Kind: couch.Unauthorized}, &couch.Error{Kind: couch.Forbidden},
	} {
		if errors.Is(err, as) {
			return true
		}
	}
	return false
}

func (r *Replication) result() *Result {
	done := &Result{NoChanges: r.recorded == r.session.StartSeq, Checkpoint: r.targetLog}
	done.Unrecorded = r.spec.NoCheckpoints && !done.NoChanges
	if done.NoChanges && len(r.history) == 0 {
		done.Checkpoint = nil
	}
	return done
}
