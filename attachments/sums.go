package attachments

import (
	"crypto/md5"
	"errors"
	"hash"
	"time"

	"settle/storage/crypt"
)

const (
	// sumsBeside is how long a content is, in bytes, before its sums are made in a
	// goroutine of their own: MD5 takes as long as all the rest.
	sumsBeside = 1 << 20
	// sumsAhead bounds the chunks of one content that wait for their sums, so that
	// neither who makes these nor the disk often waits for the other. A content has
	// sumsOwn buffers; for chunks beyond those all together have maxSumsAhead places.
	sumsAhead    = 32 // and one that sums are made of, and one that is not whole
	sumsOwn      = 4
	maxSumsAhead = 256
	// sumsIdle is how long a content keeps places that it does not need.
	sumsIdle = time.Second
)

// sums are the MD5 and the tagSum of a content, made beside what else is done with it
// once it is long. They belong to one goroutine, which calls close.
type sums struct {
	md5 hash.Hash
	tag *tagSum

	part   sumsChunk // the chunk that is not whole; may have no buffer while n is 0
	passed int       // chunks before it
	closed bool

	work  chan sumsChunk    // nil: no goroutine was started
	free  chan *chunkBuffer // that work has gone in, of the content's own
	own   int               // how many of those there are
	more  chan *chunkBuffer // those beyond them that work has gone in, each with its place
	spare chan struct{}     // has the places of those
}

// sumsChunk is a chunk, or the wish to know when those before it were added.
type sumsChunk struct {
	buf   *chunkBuffer
	n     int
	spare bool // its buffer is none of the content's own, and has a place
	added chan<- struct{}
}

func (b *Blobs) newSums() *sums {
	return &sums{md5: md5.New(), tag: b.dedup.newTagSum(), part: sumsChunk{buf: getChunk()}, own: 1, spare: b.store.sumsSpare}
}

// write adds b, of which nothing is kept.
func (s *sums) write(b []byte) {
	for len(b) > 0 {
		if s.part.buf == nil {
			s.part = s.buffer()
		}
		n := copy(s.part.buf[s.part.n:crypt.ChunkSize], b)
		s.part.n += n
		b = b[n:]
		if s.part.n == crypt.ChunkSize {
			s.pass()
		}
	}
}

// pass hands on the chunk that is whole.
func (s *sums) pass() {
	s.passed++
	if s.work == nil && s.passed*crypt.ChunkSize >= sumsBeside {
		s.work, s.free, s.more = make(chan sumsChunk, sumsAhead), make(chan *chunkBuffer, sumsOwn), make(chan *chunkBuffer, sumsAhead+2)
		go s.run(s.work)
	}
	if s.work != nil {
		s.work <- s.part
		s.part = sumsChunk{}
		return
	}
	s.add(s.part.buf[:s.part.n])
	s.part.n = 0
}

// buffer returns an empty chunk: one of the content's own buffers, or one beyond them,
// whichever can be had first.
func (s *sums) buffer() sumsChunk {
	select {
	case buf := <-s.free:
		return sumsChunk{buf: buf}
	default:
	}
	if s.own < sumsOwn {
		s.own++
		return sumsChunk{buf: getChunk()}
	}
	select {
	case buf := <-s.more: // before another place is taken
		return sumsChunk{buf: buf, spare: true}
	default:
	}
	select {
	case buf := <-s.free:
		return sumsChunk{buf: buf}
	case buf := <-s.more:
		return sumsChunk{buf: buf, spare: true}
	case s.spare <- struct{}{}:
		return sumsChunk{buf: getChunk(), spare: true}
	}
}

func (s *sums) add(chunk []byte) {
	s.md5.Write(chunk)
	s.tag.add(chunk)
}

// run makes the sums of what comes. Buffers beyond the content's own that are not needed
// for some time, because the content comes slowly, or not at all, are given back.
func (s *sums) run(work <-chan sumsChunk) {
	needed := time.Now() // a buffer beyond the content's own
	for {
		c, ok := s.next(work)
		switch {
		case !ok:
			return
		case c.added != nil:
			close(c.added)
		case c.spare:
			s.add(c.buf[:c.n])
			s.more <- c.buf
			needed = time.Now()
		default:
			s.add(c.buf[:c.n])
			s.free <- c.buf
			if time.Since(needed) > sumsIdle {
				s.dropMore()
			}
		}
	}
}

// next waits for work.
func (s *sums) next(work <-chan sumsChunk) (c sumsChunk, ok bool) {
	if len(work) == 0 && len(s.more) > 0 {
		select {
		case c, ok = <-work:
			return c, ok
		case <-time.After(sumsIdle):
			s.dropMore()
		}
	}
	c, ok = <-work
	return c, ok
}

// dropMore gives back the buffers beyond the content's own that are free, and their places.
func (s *sums) dropMore() {
	for {
		select {
		case buf := <-s.more:
			s.drop(sumsChunk{buf: buf, spare: true})
		default:
			return
		}
	}
}

func (s *sums) drop(c sumsChunk) {
	c.buf.put()
	if c.spare {
		<-s.spare
	}
}

// wait waits until the sums are made of all whole chunks that were written.
func (s *sums) wait() {
	if s.work != nil {
		added := make(chan struct{})
		s.work <- sumsChunk{added: added}
		<-added
	}
}

// close waits until the sums are made of all that was written, and gives back all buffers.
// It may be called again.
func (s *sums) close() {
	if s.closed {
		return
	}
	s.closed = true
	if s.work != nil {
		s.wait()
		close(s.work)
	}
	if s.part.n > 0 || s.passed == 0 {
		s.add(s.part.buf[:s.part.n])
	}
	if s.part.buf != nil {
		s.drop(s.part)
	}
	s.dropMore()
	for range len(s.free) {
		(<-s.free).put()
	}
}

// state returns the states of MD5 and of the tagSum, of what wait or close has waited for.
func (s *sums) state() (md5, macs []byte) { return state(s.md5), s.tag.state() }

// restore makes fresh sums go on from a state.
func (s *sums) restore(md5, macs []byte) error {
	return errors.Join(restore(s.md5, md5), s.tag.restore(macs))
}
