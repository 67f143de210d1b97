package scheduler_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"settle/replication"
	"settle/replication/scheduler"
)

// world counts what runs.
type world struct {
	mu          sync.Mutex
	now, most   int
	starts      map[string]int
	fails       map[string]int // how often a job is to fail first
	takes       time.Duration  // of a run that is not continuous
	checkpoints int
}

// ran returns how often a job has run.
func (w *world) ran(id string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.starts[id]
}

type run struct {
	w    *world
	id   string
	spec *replication.Spec
}

func (r *run) Progress() replication.Progress { return replication.Progress{} }

func (r *run) Run(ctx context.Context) (*replication.Result, error) {
	r.w.mu.Lock()
	r.w.now++
	r.w.most = max(r.w.most, r.w.now)
	r.w.starts[r.id]++
	fail := r.w.fails[r.id] > 0
	r.w.fails[r.id]--
	r.w.mu.Unlock()
	defer func() { r.w.mu.Lock(); r.w.now--; r.w.mu.Unlock() }()
	if fail {
		return nil, errors.New("trouble")
	}
	var after <-chan time.Time
	if !r.spec.Continuous {
		after = time.After(r.w.takes)
	}
	select {
	case <-ctx.Done():
		time.Sleep(10 * time.Millisecond) // the last checkpoint
		r.w.mu.Lock()
		r.w.checkpoints++
		r.w.mu.Unlock()
		return nil, ctx.Err()
	case <-after:
		return &replication.Result{}, nil
	}
}

func newWorld() *world {
	return &world{starts: map[string]int{}, fails: map[string]int{}, takes: time.Second}
}

func (w *world) job(id string, continuous bool) *scheduler.Job {
	spec := &replication.Spec{Continuous: continuous}
	return &scheduler.Job{
		ID: id, Spec: spec, Make: func() (scheduler.Run, error) { return &run{w, id, spec}, nil },
		Finished: func(_ *replication.Result, err error, _ int) bool { return true },
	}
}

func start(jobs int) *scheduler.Scheduler {
	return scheduler.Start(scheduler.Options{
		MaxJobs: func() int { return jobs }, MaxChurn: func() int { return 2 }, MaxHistory: func() int { return 5 },
		Interval: func() time.Duration { return time.Minute }, Logger: slog.New(slog.DiscardHandler),
	})
}

// However many wait, no more run than may, and all get their turn.
func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, s := newWorld(), start(5)
		defer s.Close()
		for i := range 50 {
			s.Add(w.job(fmt.Sprintf("c%02d", i), true))
		}
		time.Sleep(60 * time.Minute)
		synctest.Wait()
		if w.most > 5 {
			t.Errorf("%d ran at once", w.most)
		}
		least, most := 1000, 0
		for i := range 50 {
			n := w.ran(fmt.Sprintf("c%02d", i))
			least, most = min(least, n), max(most, n)
		}
		if least == 0 || most-least > 1 {
			t.Errorf("the jobs ran from %d to %d times", least, most)
		}
	})
}

func TestOneShotsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, s := newWorld(), start(2)
		defer s.Close()
		for i := range 7 {
			if !s.Add(w.job(fmt.Sprint(i), false)) {
				t.Error("a job was not added")
			}
		}
		if s.Add(w.job("3", false)) {
			t.Error("a job was added twice")
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if n := len(s.Jobs()); n != 0 || w.most != 2 || len(w.starts) != 7 {
			t.Errorf("%d jobs are left, %d ran at once, %d ran", n, w.most, len(w.starts))
		}
	})
}

// What fails is tried again after pauses that grow, and does not keep others waiting.
func TestBackOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, s := newWorld(), start(1)
		defer s.Close()
		w.fails["bad"] = 1 << 30
		s.Add(w.job("bad", true))
		synctest.Wait()
		s.Add(w.job("good", false))
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if w.ran("good") != 1 {
			t.Error("the good job waits for the bad one")
		}
		status, ok := s.Job("bad")
		if !ok || status.State != scheduler.Crashing || status.Failures == 0 || status.Reason != "trouble" || status.Progress == nil {
			t.Errorf("got %+v", status)
		}
		time.Sleep(24 * time.Hour)
		if n := w.ran("bad"); n < 20 || n > 70 {
			t.Errorf("tried %d times in a day", n)
		}
		w.mu.Lock()
		w.fails["bad"] = 0
		w.mu.Unlock()
		time.Sleep(2 * time.Hour)
		if status, _ := s.Job("bad"); status.State != scheduler.Running {
			t.Errorf("got %s", status.State)
		}
		if status, _ := s.Job("bad"); len(status.History) != 5 || status.History[0].Type != scheduler.Started {
			t.Errorf("got %v", status.History)
		}
	})
}

// What the options say counts at once where the scheduler is told that they have changed.
func TestRetune(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var jobs, turn atomic.Int64
		jobs.Store(1)
		turn.Store(int64(time.Hour))
		w := newWorld()
		s := scheduler.Start(scheduler.Options{
			MaxJobs: func() int { return int(jobs.Load()) }, MaxChurn: func() int { return 1 }, MaxHistory: func() int { return 5 },
			Interval: func() time.Duration { return time.Duration(turn.Load()) }, Logger: slog.New(slog.DiscardHandler),
		})
		defer s.Close()
		for _, id := range []string{"a", "b", "c", "d"} {
			s.Add(w.job(id, true))
		}
		jobs.Store(2)
		s.Retune()
		synctest.Wait()
		if w.now != 2 {
			t.Errorf("%d run", w.now)
		}
		turn.Store(int64(time.Second))
		s.Retune()
		time.Sleep(time.Minute)
		synctest.Wait()
		for _, id := range []string{"a", "b", "c", "d"} {
			if w.ran(id) < 10 {
				t.Errorf("%s has had %d turns", id, w.ran(id))
			}
		}
	})
}

// A job that is removed, and all at the end, have kept their checkpoints by then.
func TestRemoveWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, s := newWorld(), start(5)
		a := w.job("a", true)
		s.Add(a)
		s.Add(w.job("b", true))
		synctest.Wait()
		if !s.Remove(a) || w.checkpoints != 1 || s.Remove(a) {
			t.Errorf("%d checkpoints", w.checkpoints)
		}
		s.Close()
		if w.checkpoints != 2 {
			t.Errorf("%d checkpoints", w.checkpoints)
		}
		if s.Add(w.job("c", true)) {
			t.Error("a job was added behind the end")
		}
	})
}

// Who removes a job leaves another of its id, which somebody else has added meanwhile.
func TestRemoveLeavesOthers(t *testing.T) {
	s := start(1)
	defer s.Close()
	w := newWorld()
	mine, theirs := w.job("a", true), w.job("a", true)
	for _, job := range []*scheduler.Job{mine, theirs} {
		if !s.Add(job) {
			t.Fatal("not added")
		}
		if job == mine && !s.Remove(mine) {
			t.Error("not removed")
		}
	}
	if s.Remove(mine) {
		t.Error("another's was removed")
	}
	if status, ok := s.Job("a"); !ok || status.Job != theirs {
		t.Errorf("%v", ok)
	}
}
