package attachments

import (
	"io"
	"sync"

	"settle/storage/crypt"
)

const (
	// aheadChunks are opened together: a hand-over to another goroutine for every
	// chunk costs as much as it gains.
	aheadChunks = 8
	// aheadFrom is how long a range is, in bytes, before its chunks are opened in a
	// goroutine of their own: opening takes as long as sending.
	aheadFrom = 2 * aheadChunks * crypt.ChunkSize
	// aheadBuffers is how many buffers such a range has.
	aheadBuffers = 2
	// maxAhead bounds the ranges that are read so, and with them the memory that
	// clients who read slowly hold; each has 1 MiB. Further ones do without.
	maxAhead = 32
)

// aheadBuffer holds chunks side by side; the last one needs room for its seal.
type aheadBuffer [aheadChunks*crypt.ChunkSize + crypt.ChunkOverhead]byte

var aheadPool = sync.Pool{New: func() any { return new(aheadBuffer) }}

// openedChunks wait to be written.
type openedChunks struct {
	buf     *aheadBuffer
	content []byte // what the range wants of them; part of buf
	err     error  // after content
}

// ahead opens the chunks of a range while those before them are written.
type ahead struct {
	free   chan *aheadBuffer
	opened chan openedChunks
	stop   chan struct{}
}

// readsAhead reports whether what is left of the range is to be written by
// writeAhead, which then gives back the place that was taken for it.
func (r *fileReader) readsAhead() bool {
	if r.err != nil || len(r.left) > 0 || r.end-r.pos < aheadFrom {
		return false
	}
	select {
	case r.blob.store.aheads <- struct{}{}:
		return true
	default:
		return false
	}
}

// writeAhead is WriteTo of a range of which nothing is left over from before. When it
// returns, nothing else uses the reader any more. After an error of w the rest of the
// range is lost.
func (r *fileReader) writeAhead(w io.Writer) (written int64, err error) {
	defer func() { <-r.blob.store.aheads }()
	a := ahead{make(chan *aheadBuffer, aheadBuffers), make(chan openedChunks, aheadBuffers), make(chan struct{})}
	for range aheadBuffers {
		a.free <- aheadPool.Get().(*aheadBuffer)
	}
	go a.open(r)
	for chunks := range a.opened {
		var n int
		n, err = w.Write(chunks.content)
		written += int64(n)
		if err == nil {
			err = chunks.err
		}
		a.free <- chunks.buf
		if err != nil {
			break
		}
	}
	a.end()
	if r.err = err; err == nil {
		r.err = io.EOF
	}
	return written, err
}

// open opens the chunks of r to the end of its range, or to the first error.
func (a ahead) open(r *fileReader) {
	defer close(a.opened)
	for r.pos < r.end {
		select {
		case <-a.stop:
			return
		case buf := <-a.free:
			content, err := r.openChunks(buf)
			a.opened <- openedChunks{buf, content, err} // has room for all buffers
			if err != nil {
				return
			}
		}
	}
}

// openChunks opens the chunks from pos on that buf has room for, and returns what the
// range wants of them: where one has an error, of those before it.
func (r *fileReader) openChunks(buf *aheadBuffer) ([]byte, error) {
	begin := r.pos % crypt.ChunkSize // later chunks are wanted from their start on
	end := begin
	for i := 0; i < aheadChunks && r.pos < r.end; i++ {
		wanted, err := r.openChunk(buf[i*crypt.ChunkSize:])
		if err != nil {
			return buf[begin:end], err
		}
		end += int64(len(wanted))
	}
	return buf[begin:end], nil
}

// end waits until nothing is opened any more, and gives the buffers back.
func (a ahead) end() {
	close(a.stop)
	for chunks := range a.opened {
		aheadPool.Put(chunks.buf)
	}
	for range len(a.free) {
		aheadPool.Put(<-a.free)
	}
}
