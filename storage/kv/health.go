package kv

import (
	"errors"
	"fmt"
	"sync"
)

// health says whether the engine may be used, and counts who is using it.
type health struct {
	onFatal func(error)   // called once, from a goroutine of its own
	dead    chan struct{} // closed by the first failure

	mu      sync.Mutex
	idle    chan struct{} // closed when closed and running is 0
	running int           // calls between enter and exit
	closed  bool
	cause   error // the first failure; set before dead is closed
}

func newHealth(onFatal func(error)) *health {
	return &health{onFatal: onFatal, dead: make(chan struct{}), idle: make(chan struct{})}
}

// enter registers a call, which ends with exit.
func (h *health) enter() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.cause != nil {
		return h.failureLocked()
	}
	if h.closed {
		return ErrClosed
	}
	h.running++
	return nil
}

func (h *health) exit() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.running--; h.running == 0 && h.closed {
		close(h.idle)
	}
}

// close refuses new calls; idle is closed when the running ones have ended.
// first says whether this was the first close.
func (h *health) close() (idle <-chan struct{}, first bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	first = !h.closed
	h.closed = true
	if first && h.running == 0 {
		close(h.idle)
	}
	return h.idle, first
}

// fail records the first failure; the later ones are its consequences.
func (h *health) fail(cause error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.cause != nil {
		return
	}
	h.cause = cause
	close(h.dead)
	if h.onFatal != nil {
		go h.onFatal(h.failureLocked())
	}
}

// failure returns nil, or an error that matches ErrClosed and the cause.
func (h *health) failure() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.failureLocked()
}

func (h *health) failureLocked() error {
	if h.cause == nil {
		return nil
	}
	return fmt.Errorf("%w: storage failed: %w", ErrClosed, h.cause)
}

// unknownOutcome is the error of a commit that the failure overtook.
func (h *health) unknownOutcome() error {
	return errors.Join(ErrUnknownOutcome, h.failure())
}
