package web

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/klauspost/compress/gzip"
)

const (
	// minCompressed is the length from which on an answer is compressed: below,
	// it fits a packet or two as it is.
	minCompressed = 1 << 10
	// maxCompressors is how many answers are compressed at a time; more of them
	// go out as they are. Each takes about half a megabyte while a client reads.
	maxCompressors = 64
)

// CompressAnswer says that the answer's body is text that may be compressed, by
// gzip, where the client asks for it: when it is longer than a kilobyte, or of a
// length that the header does not tell. The helpers that write JSON call it. It
// comes before anything is written; what a handler flushes is still flushed.
//
// The ETag stays as it is, a strong one, because to CouchDB's clients it is the
// document's revision; nothing that is compressed can be asked for in ranges.
func (r *Request) CompressAnswer() {
	if r.compressed != nil || r.compressors == nil || r.Response.Committed {
		return
	}
	h := r.Response.Header()
	if n, err := strconv.ParseInt(h.Get("Content-Length"), 10, 64); err == nil && n < minCompressed {
		return
	}
	h.Add("Vary", "Accept-Encoding")
	if r.Method == http.MethodHead || !acceptsGzip(r.Header) {
		return
	}
	r.compressed = &compressedAnswer{next: r.Response.Writer, from: r.compressors}
	r.Response.Writer = r.compressed
}

// acceptsGzip reports whether a client names gzip among the encodings it takes.
func acceptsGzip(h http.Header) bool {
	for _, value := range h.Values("Accept-Encoding") {
		for part := range strings.SplitSeq(value, ",") {
			name, params, _ := strings.Cut(part, ";")
			if strings.EqualFold(strings.TrimSpace(name), "gzip") && !isQZero(params) {
				return true
			}
		}
	}
	return false
}

// compressors lends the writers of compressed answers. It is safe for concurrent use.
type compressors struct {
	lent atomic.Int32
	pool sync.Pool
}

// take returns a writer to w, nil where maxCompressors are lent.
func (c *compressors) take(w http.ResponseWriter) *gzip.Writer {
	if c.lent.Add(1) > maxCompressors {
		c.lent.Add(-1)
		return nil
	}
	if z, ok := c.pool.Get().(*gzip.Writer); ok {
		z.Reset(w)
		return z
	}
	z, err := gzip.NewWriterLevel(w, gzip.BestSpeed)
	if err != nil {
		panic(err) // the level is a good one
	}
	return z
}

func (c *compressors) giveBack(z *gzip.Writer) {
	z.Reset(nil) // it must not keep the answer alive
	c.pool.Put(z)
	c.lent.Add(-1)
}

// compressedAnswer stands in front of the connection. It holds the header and the
// first bytes back until it knows whether the answer is long.
type compressedAnswer struct {
	next   http.ResponseWriter
	from   *compressors
	status int

	held    []byte // not yet sent, while nothing is decided
	decided bool
	gzip    *gzip.Writer // nil: the answer goes out as it is
}

// Header returns the answer's header.
func (a *compressedAnswer) Header() http.Header { return a.next.Header() }

// Unwrap returns what stands behind, for [http.ResponseController].
func (a *compressedAnswer) Unwrap() http.ResponseWriter { return a.next }

// WriteHeader notes the status.
func (a *compressedAnswer) WriteHeader(status int) { a.status = status }

// Write adds p to the answer.
func (a *compressedAnswer) Write(p []byte) (int, error) {
	if !a.decided {
		if len(a.held)+len(p) < minCompressed {
			a.held = append(a.held, p...)
			return len(p), nil
		}
		if err := a.decide(true); err != nil {
			return 0, err
		}
	}
	if a.gzip != nil {
		return a.gzip.Write(p)
	}
	return a.next.Write(p)
}

// decide sends the header, and what was held back.
func (a *compressedAnswer) decide(compress bool) error {
	a.decided = true
	if compress {
		a.gzip = a.from.take(a.next)
	}
	if a.gzip != nil {
		h := a.Header()
		h.Set("Content-Encoding", "gzip")
		h.Del("Content-Length")
	}
	if a.status != 0 {
		a.next.WriteHeader(a.status)
	}
	held := a.held
	a.held = nil
	if len(held) == 0 {
		return nil
	}
	_, err := a.Write(held)
	return err
}

// FlushError sends what was written so far. An answer that is flushed is one that
// goes on.
func (a *compressedAnswer) FlushError() error {
	if !a.decided {
		if err := a.decide(true); err != nil {
			return err
		}
	}
	if a.gzip != nil {
		if err := a.gzip.Flush(); err != nil {
			return err
		}
	}
	return http.NewResponseController(a.next).Flush()
}

// finish sends the rest of an answer that is whole.
func (a *compressedAnswer) finish() error {
	if !a.decided {
		return a.decide(false)
	}
	if a.gzip != nil {
		return a.gzip.Close()
	}
	return nil
}

// release gives the writer back, whatever has become of the answer.
func (a *compressedAnswer) release() {
	if a.gzip != nil {
		a.from.giveBack(a.gzip)
		a.gzip = nil
	}
}
