package deferred

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"settle/attachments"
	"settle/storage/couch"
	"settle/storage/kv"
	"settle/storage/schema"
)

// silence is how long an origin may give nothing.
const silence = time.Minute

// fetch is the fetching of one content, for all who want it.
type fetch struct {
	c    *Contents
	db   *DB
	blob *attachments.Blob
	done chan struct{} // closed when it is over

	mu        sync.Mutex
	read      int64 // of the content, so far
	followers map[*follower]bool
	users     int // those who have joined and not released it, and the fetch itself

	// What came of it, once done is closed.
	err     error
	content *attachments.Blob
	pending *attachments.Pending // nil: it is kept
}

// join returns the fetch of a content, a new one where none is under way. The caller
// uses it until it is released.
func (c *Contents) join(db *DB, blob *attachments.Blob) (*fetch, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ctx.Err() != nil {
		return nil, couch.ErrUnavailable
	}
	at := place{db.Partition, blob.ID()}
	if f := c.fetches[at]; f != nil {
		f.mu.Lock()
		f.users++
		f.mu.Unlock()
		return f, nil
	}
	f := &fetch{c: c, db: db, blob: blob, done: make(chan struct{}), followers: make(map[*follower]bool), users: 2}
	c.fetches[at] = f
	c.working.Go(func() {
		f.run(c.ctx)
		f.finish()
		if f.pending != nil { // it may be asked for again soon, another part of it
			select {
			case <-time.After(linger):
			case <-c.ctx.Done():
			}
		}
		c.mu.Lock()
		delete(c.fetches, at)
		c.mu.Unlock()
		f.release()
	})
	return f, nil
}

// linger is how long a content that is not kept stays after it was fetched.
const linger = 30 * time.Second

// run fetches the content, unless it has come to be kept, and keeps it if it may.
func (f *fetch) run(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if _, f.content, f.err = f.c.held(ctx, f.db, f.blob.ID()); f.err != nil || f.content != nil {
		return
	}
	pending, err := f.receive(ctx, cancel)
	if err != nil {
		f.err = err
		return
	}
	if f.content, f.err = pending.Blob(); f.err != nil {
		pending.Discard()
		return
	}
	err = f.c.keep(ctx, f.db, f.blob.ID(), pending)
	switch {
	case err == nil, errors.Is(err, kv.ErrUnknownOutcome):
		pending.Committed()
	default: // whoever reads it now can do so from what came
		f.pending = pending
	}
}

// receive writes the content, which shows to all who follow.
func (f *fetch) receive(ctx context.Context, cancel func()) (*attachments.Pending, error) {
	d := f.blob.Deferral()
	origin := f.c.origin.Load()
	if origin == nil {
		return nil, &couch.Error{Kind: couch.Away}
	}
	text, err := f.originText(ctx, d.Origin)
	if err != nil {
		return nil, err
	}
	waking := time.AfterFunc(silence, cancel)
	defer waking.Stop()
	in, err := (*origin).Fetch(ctx, text, *d)
	if err != nil {
		return nil, asAway(err)
	}
	defer in.Body.Close()
	shown := &shown{f: f, r: newVerified(&heard{in.Body, waking}, in, d.Length)}
	r, written := f.c.o.Room(shown)
	defer written()
	pending, err := f.db.Blobs.Write(ctx, r, 0)
	if err != nil {
		return nil, asAway(schema.DomainError(err))
	}
	return pending, nil
}

func (f *fetch) originText(ctx context.Context, id couch.OriginID) (text []byte, err error) {
	err = f.db.View(ctx, func(r kv.Reader, _ *schema.Meta) error {
		row, err := kv.GetOne(ctx, r, schema.OriginKey(id))
		if err == nil && row == nil {
			err = &couch.Error{Kind: couch.Gone}
		}
		if err == nil {
			text, err = schema.OpenOrigin(f.db.Key, id, row)
		}
		return err
	})
	return text, err
}

// heard puts off the end of a fetch whenever something comes.
type heard struct {
	r      io.Reader
	waking *time.Timer
}

// Read reads on.
func (h *heard) Read(p []byte) (int, error) {
	n, err := h.r.Read(p)
	if n > 0 {
		h.waking.Reset(silence)
	}
	return n, err
}

// shown shows what is read to all who follow.
type shown struct {
	f *fetch
	r io.Reader
}

// Read reads on.
func (s *shown) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if n > 0 {
		s.f.show(bytes.Clone(p[:n]))
	}
	return n, err
}

// finish ends the fetch: what followers still want is in content.
func (f *fetch) finish() {
	f.mu.Lock()
	for follower := range f.followers {
		close(follower.pieces)
	}
	f.followers = nil
	close(f.done)
	f.mu.Unlock()
}

// release says that somebody uses the fetch no more. What is not kept goes with the last.
func (f *fetch) release() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.users--; f.users == 0 && f.pending != nil {
		f.pending.Discard()
	}
}

// show gives a piece to all who follow. Who is too slow for that reads the rest when the
// fetch is over.
func (f *fetch) show(piece []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.read += int64(len(piece))
	for follower := range f.followers {
		select {
		case follower.pieces <- piece:
		default:
			close(follower.pieces)
			delete(f.followers, follower)
		}
	}
}
