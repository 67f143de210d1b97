package auth

import "context"

// attempt is how a guess is tried.
type attempt struct {
	known func() bool          // reports whether it need not be tried: it was right before
	guess func() (bool, error) // reports whether it is right; an error decides nothing
}

// try tries a guess, and counts it where it is wrong. As long as guesses are under
// way they count as if they were wrong, so that no number of them at a time gets past
// a bound; what might be one too many waits for them and is not refused, since they
// may be one client's, and right. The error is errLocked, errWrong, the context's or
// the attempt's.
func (f *failures) try(ctx context.Context, g guess, l Lockout, a attempt) error {
	for {
		switch {
		case f.locked(g, l):
			return errLocked
		case a.known():
			return nil
		}
		wait, err := f.begin(g, l)
		if err != nil {
			return err
		}
		if wait == nil {
			return f.tryNow(g, l, a)
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// tryNow tries a guess that has begun, and ends it.
func (f *failures) tryNow(g guess, l Lockout, a attempt) error {
	wrong := false
	defer func() { f.end(g, l, wrong) }()
	right, err := a.guess()
	if err != nil {
		return err
	}
	if wrong = !right; wrong {
		return errWrong
	}
	return nil
}

// begin counts a guess among those under way, for end. Where those that are might
// use up a bound it does not, and returns a channel that is closed once one ends. The
// error is errLocked.
func (f *failures) begin(g guess, l Lockout) (wait <-chan struct{}, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	full, bounds := false, l.bounds(g)
	for _, b := range bounds {
		count := f.count(b.of, l)
		if l.enforced() && count >= b.failures {
			return nil, errLocked
		}
		full = full || count+f.underWay[b.of] >= b.failures
	}
	if full && l.enforced() {
		if f.ended == nil {
			f.ended = make(chan struct{})
		}
		return f.ended, nil
	}
	if f.underWay == nil {
		f.underWay = map[guess]int{}
	}
	for _, b := range bounds {
		f.underWay[b.of]++
	}
	return nil, nil
}

// end takes back what begin counted, and counts a failure where the guess was wrong.
func (f *failures) end(g guess, l Lockout, wrong bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, b := range l.bounds(g) {
		if f.underWay[b.of]--; f.underWay[b.of] == 0 {
			delete(f.underWay, b.of)
		}
	}
	if wrong {
		f.add(g, l)
	}
	if f.ended != nil {
		close(f.ended)
		f.ended = nil
	}
}
