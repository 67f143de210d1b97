package scheduler

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"settle/replication"
)

// Options bounds what runs. The functions are called often, and may change their mind.
type Options struct {
	MaxJobs    func() int           // runs at once
	MaxChurn   func() int           // runs stopped, and begun instead, in one turn
	Interval   func() time.Duration // of turns
	MaxHistory func() int           // events kept of a job
	FirstPause time.Duration        // after a failure; each time twice as long. 0: 5 s
	LastPause  time.Duration        // 0: 1 hour
	Logger     *slog.Logger
}

// Scheduler runs jobs. It is safe for concurrent use.
type Scheduler struct {
	o    Options
	ctx  context.Context
	stop context.CancelFunc
	wake chan struct{} // of capacity 1: there may be something to start
	tune chan struct{} // of capacity 1: the options may say something else
	done chan struct{} // the loop has ended
	runs sync.WaitGroup

	mu      sync.Mutex
	jobs    map[string]*entry
	running int
}

// entry is a job and its state, under the scheduler's lock.
type entry struct {
	status  Status
	run     Run
	cancel  context.CancelFunc // ends the run; nil: there is none
	evicted bool               // the run is being stopped to let others run
	ended   chan struct{}      // closed when the run has ended
	dueAt   time.Time          // not to be started before
	since   time.Time          // that it waits from
}

// Start returns a scheduler that runs what is added to it until Close.
func Start(o Options) *Scheduler {
	o.FirstPause = cmp.Or(o.FirstPause, 5*time.Second)
	o.LastPause = cmp.Or(o.LastPause, time.Hour)
	s := &Scheduler{o: o, wake: make(chan struct{}, 1), tune: make(chan struct{}, 1), done: make(chan struct{}), jobs: make(map[string]*entry)}
	s.ctx, s.stop = context.WithCancel(context.Background())
	go s.loop()
	return s
}

// Close stops all runs, and waits for their checkpoints. Jobs are not told.
func (s *Scheduler) Close() {
	s.stop()
	<-s.done
	s.runs.Wait()
}

// Add adds a job, unless there is one of its id; it reports whether it did.
func (s *Scheduler) Add(job *Job) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.jobs[job.ID]; ok || s.ctx.Err() != nil {
		return false
	}
	now := time.Now()
	e := &entry{status: Status{Job: job, State: Pending, Added: now, Updated: now}, since: now}
	s.note(e, Added, "")
	s.jobs[job.ID] = e
	s.poke()
	return true
}

// Remove takes a job out, stops its run and waits for that to end. It reports whether
// the job was there, rather than none, or another of its id.
func (s *Scheduler) Remove(job *Job) bool {
	s.mu.Lock()
	e, ok := s.jobs[job.ID]
	if !ok || e.status.Job != job {
		s.mu.Unlock()
		return false
	}
	delete(s.jobs, job.ID)
	ended := e.ended
	if e.cancel != nil {
		e.cancel()
	} else {
		ended = nil
	}
	s.mu.Unlock()
	if ended != nil {
		<-ended
	}
	return true
}

// Job describes a job.
func (s *Scheduler) Job(id string) (Status, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.jobs[id]
	if !ok {
		return Status{}, false
	}
	return e.describe(), true
}

// Jobs describes all jobs, in order of their ids.
func (s *Scheduler) Jobs() []Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Status, 0, len(s.jobs))
	for _, e := range s.jobs {
		all = append(all, e.describe())
	}
	slices.SortFunc(all, func(a, b Status) int { return cmp.Compare(a.ID, b.ID) })
	return all
}

func (e *entry) describe() Status {
	status := e.status
	status.History = slices.Clone(status.History)
	status.Progress = e.progress()
	return status
}

// progress returns how far the run is, or where the last one came to.
func (e *entry) progress() *replication.Progress {
	if e.run == nil {
		return e.status.Progress
	}
	p := e.run.Progress()
	return &p
}

// Retune lets what the options say count from now on.
func (s *Scheduler) Retune() {
	select {
	case s.tune <- struct{}{}:
	default:
	}
}

func (s *Scheduler) poke() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// loop starts what may run, when there is something to start.
func (s *Scheduler) loop() {
	defer close(s.done)
	turn := time.NewTimer(s.o.Interval())
	defer turn.Stop()
	for {
		due := time.NewTimer(s.startDue())
		select {
		case <-s.ctx.Done():
		case <-s.wake:
		case <-due.C:
		case <-s.tune:
			turn.Reset(s.o.Interval())
		case <-turn.C:
			s.rotate()
			turn.Reset(s.o.Interval())
		}
		due.Stop()
		if s.ctx.Err() != nil {
			return
		}
	}
}

// waiting returns the jobs that may start, in the order of how long they have waited.
func (s *Scheduler) waiting(now time.Time) (ready []*entry, next time.Duration) {
	next = time.Hour
	for _, e := range s.jobs {
		switch {
		case e.cancel != nil:
		case e.dueAt.After(now):
			next = min(next, e.dueAt.Sub(now))
		default:
			ready = append(ready, e)
		}
	}
	slices.SortFunc(ready, func(a, b *entry) int {
		return cmp.Or(a.since.Compare(b.since), cmp.Compare(a.status.ID, b.status.ID))
	})
	return ready, next
}

// startDue starts as many jobs as may run, and returns when to look again.
func (s *Scheduler) startDue() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	ready, next := s.waiting(time.Now())
	for _, e := range ready {
		if s.running >= s.o.MaxJobs() || s.ctx.Err() != nil {
			break
		}
		s.start(e)
	}
	return next
}

// rotate stops continuous runs, those first that have run longest, where others wait.
func (s *Scheduler) rotate() {
	s.mu.Lock()
	defer s.mu.Unlock()
	ready, _ := s.waiting(time.Now())
	n := min(len(ready)-(s.o.MaxJobs()-s.running), s.o.MaxChurn())
	if n <= 0 {
		return
	}
	var stoppable []*entry
	for _, e := range s.jobs {
		if e.cancel != nil && e.status.Spec.Continuous && !e.evicted {
			stoppable = append(stoppable, e)
		}
	}
	slices.SortFunc(stoppable, func(a, b *entry) int { return a.status.Started.Compare(b.status.Started) })
	for _, e := range stoppable[:min(n, len(stoppable))] {
		e.evicted = true
		e.cancel()
	}
}

// start begins a run. The lock is held.
func (s *Scheduler) start(e *entry) {
	ctx, cancel := context.WithCancel(s.ctx)
	e.cancel, e.evicted, e.ended, e.run = cancel, false, make(chan struct{}), nil
	now := time.Now()
	e.status.State, e.status.Started, e.status.Updated = Running, now, now
	s.note(e, Started, "")
	s.running++
	s.runs.Go(func() {
		defer close(e.ended)
		defer cancel()
		result, err := s.execute(ctx, e)
		s.finish(e, result, err)
	})
}

func (s *Scheduler) execute(ctx context.Context, e *entry) (*replication.Result, error) {
	run, err := e.status.Make()
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	e.run = run
	s.mu.Unlock()
	return run.Run(ctx)
}

// healthy is how long a run must have gone well for its failure to be the first.
const healthy = 2 * time.Minute

// finish notes the end of a run.
func (s *Scheduler) finish(e *entry, result *replication.Result, err error) {
	s.mu.Lock()
	stopped := s.jobs[e.status.ID] != e || s.ctx.Err() != nil || e.evicted && (err == nil || errors.Is(err, context.Canceled))
	if !stopped && err != nil {
		if time.Since(e.status.Started) >= healthy {
			e.status.Failures = 0
		}
		e.status.Failures++
	}
	failures := e.status.Failures
	s.mu.Unlock()
	again := true
	if !stopped && e.status.Finished != nil {
		again = e.status.Finished(result, err, failures)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running--
	e.status.Progress = e.progress()
	e.cancel, e.run = nil, nil
	s.poke()
	switch {
	case s.jobs[e.status.ID] != e: // removed meanwhile
	case stopped:
		s.wait(e, true, nil)
	case err == nil || !again:
		delete(s.jobs, e.status.ID)
	default:
		s.wait(e, false, err)
	}
}

// wait puts a job among those that wait.
func (s *Scheduler) wait(e *entry, stopped bool, err error) {
	now := time.Now()
	e.since, e.status.Updated = now, now
	if stopped {
		e.status.State = Pending
		s.note(e, Stopped, "")
		return
	}
	e.status.State, e.status.Reason = Crashing, reasonOf(err)
	s.note(e, Crashed, e.status.Reason)
	pause := s.o.LastPause
	if n := e.status.Failures - 1; n < 20 {
		pause = min(pause, s.o.FirstPause<<n)
	}
	e.dueAt = now.Add(pause/2 + rand.N(pause/2+1)) // not all at the same time
	s.o.Logger.Warn("a replication failed; it is tried again", "replication", e.status.ID, "failures", e.status.Failures, "error", err)
}

// reasonOf says why a run failed as CouchDB does: clients look for the error's name.
func reasonOf(err error) string {
	if known, ok := errors.AsType[*replication.Error](err); ok {
		return known.Name() + ": " + known.Error()
	}
	return err.Error()
}

// note puts an event into a job's history.
func (s *Scheduler) note(e *entry, t EventType, reason string) {
	e.status.History = slices.Insert(e.status.History, 0, Event{Time: time.Now(), Type: t, Reason: reason})
	if most := max(s.o.MaxHistory(), 1); len(e.status.History) > most {
		e.status.History = e.status.History[:most]
	}
}
