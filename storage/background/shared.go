package background

import (
	"context"
	"sync"
)

// Shared runs one piece of work for many who ask for it: whoever asks while a
// run is under way gets the next one, together with all others who asked
// meanwhile, so that each caller's run began after the call. The zero value is ready.
type Shared struct {
	mu      sync.Mutex
	running bool
	next    *sharedRun // what those who wait will get
}

type sharedRun struct {
	done chan struct{}
	err  error
}

// Do returns after a run of fn that began after the call to Do. The error is fn's,
// or that of ctx, whose end leaves the run going.
func (s *Shared) Do(ctx context.Context, fn func() error) error {
	s.mu.Lock()
	if s.next == nil {
		s.next = &sharedRun{done: make(chan struct{})}
	}
	run := s.next
	if !s.running {
		s.running = true
		go s.runAll(fn)
	}
	s.mu.Unlock()
	select {
	case <-run.done:
		return run.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *Shared) runAll(fn func() error) {
	for {
		s.mu.Lock()
		run := s.next
		s.next = nil
		if run == nil {
			s.running = false
			s.mu.Unlock()
			return
		}
		s.mu.Unlock()
		run.err = fn()
		close(run.done)
	}
}
