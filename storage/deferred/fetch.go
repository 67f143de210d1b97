package deferred

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"slices"
	"sync"
	"time"

	"settle/attachments"
	"settle/storage/couch"
	"settle/storage/kv"
	"settle/storage/schema"
)

// fetch is the fetching of one content, for all who want it.
type fetch struct {
	c    *Contents
	db   *DB
	blob *attachments.Blob
	via  couch.Via     // what it is for the sake of, itself at the end
	done chan struct{} // closed when it is over
	stop func()        // ends it early

	// Under the lock of the Contents:
	users int           // those who have joined and not released it, and the fetch itself
	stays bool          // it goes on when nobody reads it
	left  chan struct{} // of capacity 1: somebody has released it

	mu        sync.Mutex
	read      int64              // of the content, so far
	followers map[*follower]bool // who get what comes; nil: it is over
	readers   map[*follower]bool // who have not been closed

	// What came of it, once done is closed.
	err     error
	content *attachments.Blob
	pending *attachments.Pending // nil: it is kept
}

// join returns the fetch of a content, a new one where none is under way. The caller
// uses it until it is released. Whoever asks for the sake of other contents joins no
// fetch that nothing has come of yet: each could wait for the other. Errors: Gone where
// the content is asked for for its own sake, since then nobody has it, and Away.
func (c *Contents) join(ctx context.Context, db *DB, blob *attachments.Blob) (*fetch, error) {
	at := place{db.Partition, blob.ID()}
	via, name := couch.ViaOf(ctx), c.nameOf(at)
	switch {
	case slices.Contains(via, name):
		return nil, &couch.Error{Kind: couch.Gone}
	case len(via) >= couch.MaxVia:
		return nil, &couch.Error{Kind: couch.Away, Reason: "Too many servers stand between this one and the content."}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ctx.Err() != nil {
		return nil, couch.ErrUnavailable
	}
	other := c.fetches[at]
	if other != nil && (len(via) == 0 || other.gives()) {
		other.users++
		return other, nil
	}
	f := &fetch{c: c, db: db, blob: blob, via: append(slices.Clone(via), name), done: make(chan struct{}), left: make(chan struct{}, 1), followers: make(map[*follower]bool), readers: make(map[*follower]bool), users: 2, stays: true}
	var running context.Context
	running, f.stop = context.WithCancel(couch.WithVia(c.ctx, f.via))
	if other == nil {
		c.fetches[at] = f
	}
	c.working.Go(func() { f.serve(running) })
	return f, nil
}

// nameOf returns the name of a content for other servers, which tells them nothing.
func (c *Contents) nameOf(at place) string {
	sum := sha256.Sum256(slices.Concat(c.name[:], at.partition[:], at.blob[:]))
	return hex.EncodeToString(sum[:8])
}

// gives reports whether something of the content has come.
func (f *fetch) gives() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.read > 0 || f.followers == nil
}

// linger is how long a content that is not kept stays after it was fetched, unless
// others want the room: it may be asked for again soon, another part of it.
const linger = 30 * time.Second

// serve fetches the content when there is room for it. What is for the sake of other
// contents does not wait for room: what has it could wait for that.
func (f *fetch) serve(ctx context.Context) {
	defer f.release()
	defer f.stop()
	if !f.takeRoom(ctx) {
		f.err = &couch.Error{Kind: couch.Away, Reason: "Too many contents are being fetched."}
		f.finish()
		return
	}
	f.run(ctx)
	f.finish()
	if f.pending == nil {
		f.c.room.give(f.size())
		return
	}
	if f.isKnown() {
		f.linger()
	}
	f.awaitReaders()
}

func (f *fetch) linger() {
	lingering := time.NewTimer(linger)
	defer lingering.Stop()
	select {
	case <-lingering.C:
	case <-f.c.room.isWanted():
	case <-f.c.ctx.Done():
	}
}

// takeRoom reports whether there is room for the fetch, which waits for it as long as
// somebody reads it.
func (f *fetch) takeRoom(ctx context.Context) bool {
	if f.c.room.take(ctx, f.size(), false) {
		return true
	}
	if len(f.via) > 1 {
		return false
	}
	f.stay(false)
	return f.c.room.take(ctx, f.size(), true)
}

// stay says whether the fetch goes on when nobody reads it.
func (f *fetch) stay(goesOn bool) {
	f.c.mu.Lock()
	defer f.c.mu.Unlock()
	f.stays = goesOn
	f.stopUnwanted()
}

// stopUnwanted ends the fetch where nobody wants it. The lock of the Contents is held.
func (f *fetch) stopUnwanted() {
	if f.users == 1 && !f.stays {
		f.forget()
		f.stop()
	}
}

// forget lets nobody join the fetch any more. The lock of the Contents is held.
func (f *fetch) forget() {
	if f.c.fetches[f.place()] == f {
		delete(f.c.fetches, f.place())
	}
}

// size is how much room the fetch takes.
func (f *fetch) size() int64 {
	const least = 64 << 10
	return max(f.blob.Length(), least)
}

// isKnown reports whether others can join the fetch, which is over.
func (f *fetch) isKnown() bool {
	f.c.mu.Lock()
	defer f.c.mu.Unlock()
	f.stays = true
	return f.c.fetches[f.place()] == f
}

func (f *fetch) place() place { return place{f.db.Partition, f.blob.ID()} }

// run fetches the content, unless it has come to be kept, and keeps it if it may.
func (f *fetch) run(ctx context.Context) {
	if _, f.content, f.err = f.c.held(ctx, f.db, f.blob.ID()); f.err != nil || f.content != nil {
		return
	}
	mayKeep, err := f.c.mayKeep(ctx, f.db, f.blob.Length())
	if err != nil {
		f.err = err
		return
	}
	f.stay(mayKeep)
	pending, err := f.receive(ctx)
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
func (f *fetch) receive(ctx context.Context) (*attachments.Pending, error) {
	d := f.blob.Deferral()
	origin := f.c.origin.Load()
	if origin == nil {
		return nil, &couch.Error{Kind: couch.Away}
	}
	text, err := f.originText(ctx, d.Origin)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	heard := hear(f.c.patience(), cancel)
	defer heard.stop()
	in, err := (*origin).Fetch(ctx, text, *d)
	if err != nil {
		return nil, asAway(err)
	}
	defer in.Body.Close()
	heard.r = in.Body
	shown := &shown{f: f, r: newVerified(heard, in, d.Length)}
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

// stride is how many bytes have to come from an origin, or the end, for it to be as
// patient with it as at the beginning: who gives a byte now and then gives nothing.
const stride = 16 << 10

// heard ends a fetch of which for some time not enough comes.
type heard struct {
	r        io.Reader
	patience time.Duration
	waking   *time.Timer
	n        int // bytes since the timer was set
}

func hear(patience time.Duration, end func()) *heard {
	return &heard{patience: patience, waking: time.AfterFunc(patience, end)}
}

func (h *heard) stop() { h.waking.Stop() }

// Read reads on.
func (h *heard) Read(p []byte) (int, error) {
	n, err := h.r.Read(p)
	if h.n += n; h.n >= stride {
		h.n = 0
		h.waking.Reset(h.patience)
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

// finish ends the fetch: what followers still want is in content. Who asks once it has
// failed may have more luck, and what was kept may be dropped: neither is joined again.
func (f *fetch) finish() {
	if f.err != nil || f.pending == nil {
		f.c.mu.Lock()
		f.forget()
		f.c.mu.Unlock()
	}
	f.mu.Lock()
	for follower := range f.followers {
		follower.leaveBehind()
	}
	f.followers = nil
	close(f.done)
	f.mu.Unlock()
}

// release says that somebody uses the fetch no more. What is not kept goes with the last,
// and what cannot be is not fetched for nobody.
func (f *fetch) release() {
	f.c.mu.Lock()
	f.users--
	last := f.users == 0
	if last {
		f.forget()
	}
	f.stopUnwanted()
	f.c.mu.Unlock()
	select {
	case f.left <- struct{}{}:
	default:
	}
	if last && f.pending != nil {
		f.pending.Discard()
		f.c.room.give(f.size())
	}
}

// show gives a piece to all who follow. Who is too slow for that reads the rest when the
// fetch is over.
func (f *fetch) show(text []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	next := piece{f.read, text}
	f.read += int64(len(text))
	for follower := range f.followers {
		select {
		case follower.pieces <- next:
		default:
			follower.leaveBehind()
			delete(f.followers, follower)
		}
	}
}
