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
	// neither who makes these nor the disk often waits for the other. For those beyond
	// sumsOwn all contents together have maxSumsAhead places.
	sumsAhead    = 32
	sumsOwn      = 4
	maxSumsAhead = 256
)

// sums are the MD5 and the tagSum of a content, made beside what else is done with it
// once it is long. They belong to one goroutine, which calls close.
type sums struct {
	md5 hash.Hash
	tag *tagSum

	part   *chunkBuffer // of the chunk that is not whole; may be nil while n is 0
	n      int          // bytes of part
	passed int          // chunks before it
	closed bool

	work  chan sumsWork     // nil: no goroutine was started
	free  chan *chunkBuffer // that work has gone in
	bufs  int               // how many of those there are, part among them
	spare chan struct{}     // a place for each beyond sumsOwn
}

// sumsWork is a chunk, or the wish to know when those before it were added.
type sumsWork struct {
	buf   *chunkBuffer
	n     int
	added chan<- struct{}
}

func (b *Blobs) newSums() *sums {
	return &sums{md5: md5.New(), tag: b.dedup.newTagSum(), part: getChunk(), spare: b.store.sumsSpare}
}

// write adds b, of which nothing is kept.
func (s *sums) write(b []byte) {
	for len(b) > 0 {
		if s.part == nil {
			s.part = s.buffer()
		}
		n := copy(s.part[s.n:crypt.ChunkSize], b)
		s.n += n
		b = b[n:]
		if s.n == crypt.ChunkSize {
			s.pass()
		}
	}
}

// pass hands on the chunk that is whole.
func (s *sums) pass() {
	s.passed++
	if s.work == nil && s.passed*crypt.ChunkSize >= sumsBeside {
		s.work, s.free, s.bufs = make(chan sumsWork, sumsAhead), make(chan *chunkBuffer, sumsAhead), 1
		go s.run(s.work)
	}
	if s.work != nil {
		s.work <- sumsWork{buf: s.part, n: s.n}
		s.part = nil
	} else {
		s.add(s.part[:s.n])
	}
	s.n = 0
}

// buffer returns a buffer for work that is free, or a new one while there may be more.
func (s *sums) buffer() *chunkBuffer {
	select {
	case buf := <-s.free:
		return buf
	default:
	}
	if s.bufs < sumsOwn || s.bufs < sumsAhead && s.takeSpare() {
		s.bufs++
		return getChunk()
	}
	return <-s.free
}

func (s *sums) takeSpare() bool {
	select {
	case s.spare <- struct{}{}:
		return true
	default:
		return false
	}
}

func (s *sums) add(chunk []byte) {
	s.md5.Write(chunk)
	s.tag.add(chunk)
}

func (s *sums) run(work <-chan sumsWork) {
	for w := range work {
		if w.added != nil {
			close(w.added)
			continue
		}
		s.add(w.buf[:w.n])
		s.free <- w.buf
	}
}

// wait waits until the sums are made of all whole chunks that were written.
func (s *sums) wait() {
	if s.work != nil {
		added := make(chan struct{})
		s.work <- sumsWork{added: added}
		<-added
	}
}

// close waits until the sums are made of all that was written. It may be called again.
func (s *sums) close() {
	if s.closed {
		return
	}
	s.closed = true
	if s.work != nil {
		close(s.work)
		s.collect()
	}
	if s.n > 0 || s.passed == 0 {
		s.add(s.part[:s.n])
	}
	if s.part != nil {
		s.part.put()
	}
}

// collect gives back the buffers but part; when all are free, all is added.
func (s *sums) collect() {
	out := s.bufs
	if s.part != nil {
		out--
	}
	for range out {
		(<-s.free).put()
	}
	for range s.bufs - sumsOwn {
		<-s.spare
	}
}

// state returns the states of MD5 and of the tagSum, of what wait or close has waited for.
func (s *sums) state() (md5, macs []byte) { return state(s.md5), s.tag.state() }

// restore makes fresh sums go on from a state.
func (s *sums) restore(md5, macs []byte) error {
	return errors.Join(restore(s.md5, md5), s.tag.restore(macs))
}
