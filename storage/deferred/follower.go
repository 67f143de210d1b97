package deferred

import (
	"context"
	"errors"
	"io"
	"sync"

	"settle/attachments"
)

// ahead is how many pieces a follower may be behind a fetch.
const ahead = 64

// follower reads a range of a content that is being fetched. It is for one goroutine.
type follower struct {
	f      *fetch
	ctx    context.Context
	pieces chan piece    // closed where what follows is to be read from the store
	come   int64         // how much of the content the pieces so far were
	piece  []byte        // not yet read
	skip   int64         // how much of what comes lies in front of the range
	pos    int64         // of the next byte, in the content
	left   int64         // of the range
	rest   io.ReadCloser // set and closed under mu

	mu    sync.Mutex
	moved bool // it has been read since endIdle was called
	ended bool // it uses the fetch no more
}

// piece is a part of a content, as it came.
type piece struct {
	at   int64
	text []byte
}

// follow returns a reader of a range. Whoever has joined the fetch calls it once.
func (f *fetch) follow(ctx context.Context, offset, length int64) *follower {
	f.mu.Lock()
	defer f.mu.Unlock()
	r := &follower{f: f, ctx: ctx, pieces: make(chan piece, ahead), skip: offset, pos: offset, left: length, moved: true}
	f.readers[r] = true
	if f.read > 0 || f.followers == nil { // it has missed something
		r.leaveBehind()
	} else {
		f.followers[r] = true
	}
	return r
}

// Read reads on.
func (r *follower) Read(p []byte) (int, error) {
	if r.left == 0 {
		return 0, io.EOF
	}
	if r.rest == nil {
		if err := r.await(); err != nil {
			return 0, err
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended {
		return 0, errIdle
	}
	r.moved = true
	p = p[:min(int64(len(p)), r.left)]
	if r.rest == nil { // the last byte comes from the store, when the whole is right
		n := copy(p[:min(int64(len(p)), r.left-1)], r.piece)
		r.piece = r.piece[n:]
		return r.took(n), nil
	}
	n, err := r.rest.Read(p)
	return r.took(n), err
}

func (r *follower) took(n int) int {
	r.pos += int64(n)
	r.left -= int64(n)
	return n
}

// await waits until there is something to read: a piece, or the whole content.
func (r *follower) await() error {
	if r.left == 1 {
		return r.open()
	}
	for len(r.piece) == 0 {
		select {
		case <-r.ctx.Done():
			return r.ctx.Err()
		case next := <-r.pieces:
			if next.text == nil || next.at != r.come { // those in between are gone
				return r.open()
			}
			r.come += int64(len(next.text))
			skipped := min(r.skip, int64(len(next.text)))
			r.skip -= skipped
			r.piece = next.text[skipped:]
		}
	}
	return nil
}

// leaveBehind lets what follows be read from the store. Pieces that were not taken are
// forgotten: whoever is slow would hold them for long.
func (r *follower) leaveBehind() {
	close(r.pieces)
	for range r.pieces {
	}
}

// open waits for the end of the fetch, and opens what is left of the range.
func (r *follower) open() (err error) {
	if err := r.wait(); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended {
		return errIdle
	}
	if r.rest, err = r.f.content.Reader(r.pos, r.left); errors.Is(err, attachments.ErrFileMissing) {
		// It was kept, and dropped again.
		r.rest, err = r.f.c.Open(r.ctx, r.f.db, r.f.blob, r.pos, r.left)
	}
	return err
}

// wait waits for the end of the fetch, and returns its error.
func (r *follower) wait() error {
	select {
	case <-r.ctx.Done():
		return r.ctx.Err()
	case <-r.f.done:
		return r.f.err
	}
}

// Close ends the reading. The fetch goes on.
func (r *follower) Close() error {
	r.left = 0
	return r.end()
}

// end gives up what the reading holds.
func (r *follower) end() (err error) {
	r.f.mu.Lock()
	delete(r.f.followers, r)
	delete(r.f.readers, r)
	r.f.mu.Unlock()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended {
		return nil
	}
	r.ended = true
	if r.rest != nil {
		err = r.rest.Close()
	}
	r.f.release()
	return err
}
