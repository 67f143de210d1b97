package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"

	"golang.org/x/term"
)

// errNoTerminal is the error of a question that nobody is there to answer.
var errNoTerminal = errors.New("there is no terminal to ask on")

// terminal asks its user, who does not see what he answers.
type terminal struct {
	mu    sync.Mutex
	reset func() // ends a question that is open; nil: there is none
}

type answer struct {
	text string
	err  error
}

// ask asks one question, until ctx ends.
func (t *terminal) ask(ctx context.Context, question string) (string, error) {
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return "", errNoTerminal
	}
	defer tty.Close()
	fd := int(tty.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return "", err
	}
	t.mu.Lock()
	t.reset = func() {
		term.Restore(fd, before)
		fmt.Fprintln(tty)
	}
	t.mu.Unlock()
	defer t.Close()
	fmt.Fprintf(tty, "%s: ", question)
	answers := make(chan answer, 1)
	go func() {
		text, err := term.ReadPassword(fd)
		answers <- answer{string(text), err}
	}()
	select {
	case a := <-answers:
		return a.text, a.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// Close gives the terminal back as it was, where a question is open that nobody waits for
// any more.
func (t *terminal) Close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.reset != nil {
		t.reset()
		t.reset = nil
	}
}
