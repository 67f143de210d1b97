package attachments

import (
	"crypto/md5"
	"crypto/sha256"
	"hash"
)

const (
	// sumsBeside is how long a content is, in bytes, before its sums are made in a
	// goroutine of their own: they take as long as all the rest.
	sumsBeside = 1 << 20
	// sumsAhead bounds the chunks that wait for their sums.
	sumsAhead = 4
)

// sums are MD5 and SHA-256 of a content, made beside what else is done with it once it
// is long. They belong to one goroutine, which calls close.
type sums struct {
	md5, sha hash.Hash
	n        int
	work     chan sumsWork     // nil: no goroutine was started
	free     chan *chunkBuffer // that work goes in
}

type sumsWork struct {
	buf *chunkBuffer
	n   int
}

func newSums() *sums { return &sums{md5: md5.New(), sha: sha256.New()} }

// write adds b, of which nothing is kept.
func (s *sums) write(b []byte) {
	if s.n += len(b); s.n < sumsBeside {
		s.add(b)
		return
	}
	if s.work == nil {
		s.work, s.free = make(chan sumsWork, sumsAhead), make(chan *chunkBuffer, sumsAhead)
		for range sumsAhead {
			s.free <- getChunk()
		}
		go s.run(s.work)
	}
	for len(b) > 0 {
		buf := <-s.free
		n := copy(buf[:], b)
		s.work <- sumsWork{buf, n}
		b = b[n:]
	}
}

func (s *sums) add(b []byte) {
	s.md5.Write(b)
	s.sha.Write(b)
}

func (s *sums) run(work <-chan sumsWork) {
	for w := range work {
		s.add(w.buf[:w.n])
		s.free <- w.buf
	}
}

// close waits until the sums are made. It may be called again.
func (s *sums) close() {
	if s.work != nil {
		close(s.work)
		for range sumsAhead { // when all are free, all is added
			(<-s.free).put()
		}
		s.work = nil
	}
}
