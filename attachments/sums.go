package attachments

import (
	"crypto/md5"
	"errors"
	"hash"

	"settle/storage/crypt"
)

const (
	// sumsBeside is how long a content is, in bytes, before its sums are made in a
	// goroutine of their own: MD5 takes as long as all the rest.
	sumsBeside = 1 << 20
	// sumsAhead bounds the chunks of one content that wait for their sums, so that
	// neither who makes these nor the disk often waits for the other. A content has
	// sumsOwn buffers; for chunks beyond those all together have maxSumsAhead places.
	sumsAhead    = 32
	sumsOwn      = 4
	maxSumsAhead = 256
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
	spare chan struct{}     // has the places of chunks beyond those
}

// sumsChunk is a chunk, or the wish to know when those before it were added.
type sumsChunk struct {
	buf   *chunkBuffer
	n     int
	spare bool // it has a place beyond the content's own, which it gives back
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
		s.work, s.free = make(chan sumsChunk, sumsAhead), make(chan *chunkBuffer, sumsOwn)
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

// buffer returns an empty chunk: one of the content's own buffers, or a place beyond them,
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
	case buf := <-s.free:
		return sumsChunk{buf: buf}
	case s.spare <- struct{}{}:
		return sumsChunk{buf: getChunk(), spare: true}
	}
}

func (s *sums) add(chunk []byte) {
	s.md5.Write(chunk)
	s.tag.add(chunk)
}

func (s *sums) run(work <-chan sumsChunk) {
	for c := range work {
		if c.added != nil {
			close(c.added)
			continue
		}
		s.add(c.buf[:c.n])
		if c.spare {
			s.drop(c)
		} else {
			s.free <- c.buf
		}
	}
}

// drop gives back a chunk's buffer, and its place.
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
