package background

import (
	"context"
	"sync"
)

// Shared runs one piece of work for many who ask for it: whoever asks while a
// run is under way gets the next one, together with all others who asked
// meanwhile, so that each caller's run began after the call. It is safe for
// concurrent use.
type Shared struct {
	fn func(context.Context) error

	mu      sync.Mutex
	running bool
	next    *sharedRun // what those who wait will get
}

type sharedRun struct {
	done chan struct{}
	err  error

	// Guarded by the mu of Shared:
	waiting int    // callers
	stop    func() // ends its context; nil: it has not begun
}

// NewShared returns the sharing of fn, whose context ends when nobody waits for the run
// any more.
func NewShared(fn func(context.Context) error) *Shared { return &Shared{fn: fn} }

// Do returns after a run that began after the call to Do. The error is the run's, or
// that of ctx.
func (s *Shared) Do(ctx context.Context) error {
	s.mu.Lock()
	if s.next == nil {
		s.next = &sharedRun{done: make(chan struct{})}
	}
	run := s.next
	run.waiting++
	if !s.running {
		s.running = true
		go s.runAll()
	}
	s.mu.Unlock()
	select {
	case <-run.done:
		return run.err
	case <-ctx.Done():
		s.leave(run)
		return ctx.Err()
	}
}

// leave says that a caller waits for a run no more.
func (s *Shared) leave(run *sharedRun) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if run.waiting--; run.waiting == 0 && run.stop != nil {
		run.stop()
	}
}

func (s *Shared) runAll() {
	for {
		run, ctx := s.begin()
		if run == nil {
			return
		}
		run.err = s.fn(ctx)
		run.stop()
		close(run.done)
	}
}

// begin takes the next run, nil where nobody has asked for one.
func (s *Shared) begin() (run *sharedRun, ctx context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	run, s.next = s.next, nil
	if run == nil {
		s.running = false
		return nil, nil
	}
	ctx, run.stop = context.WithCancel(context.Background())
	if run.waiting == 0 {
		run.stop()
	}
	return run, ctx
}
