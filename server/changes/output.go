package changes

import (
	"net/http"
	"sync"
	"time"

	"settle/server/web"
)

// holdBack is how much of an answer is gathered before it goes to the client; an
// error before that, or a flush, still gets its own status.
const holdBack = 32 << 10

// output is the answer of a feed. It has a buffer only while rows are written,
// so that a feed that waits is small.
type output struct {
	r      *web.Request
	layout *layout
	buf    *[]byte
	sent   bool      // something was sent that no flush has followed
	rows   int       // written so far
	quiet  time.Time // when the client last got something, or the feed began
}

var buffers = sync.Pool{New: func() any { return new([]byte) }}

func newOutput(r *web.Request, l *layout) *output {
	h := r.Response.Header()
	h.Set("Content-Type", l.contentType)
	h.Set("Cache-Control", l.cacheControl)
	return &output{r: r, layout: l, quiet: time.Now()}
}

// Write adds p to the answer.
func (o *output) Write(p []byte) (int, error) {
	b := o.buffer()
	*b = append(*b, p...)
	return len(p), o.overflow()
}

// buffer returns what was written and not yet sent, to be added to.
func (o *output) buffer() *[]byte {
	if o.buf == nil {
		o.buf = buffers.Get().(*[]byte)
	}
	return o.buf
}

// overflow sends the buffer where it is full.
func (o *output) overflow() error {
	if o.buf == nil || len(*o.buf) < holdBack {
		return nil
	}
	return o.send()
}

func (o *output) send() error {
	if o.buf == nil || len(*o.buf) == 0 {
		return nil
	}
	_, err := o.r.Response.Write(*o.buf)
	*o.buf = (*o.buf)[:0]
	o.sent = true
	o.quiet = time.Now()
	return err
}

// flush brings everything that was written to the client, at least the header.
func (o *output) flush() error {
	if err := o.send(); err != nil {
		return err
	}
	if !o.r.Response.Committed {
		o.r.Response.WriteHeader(http.StatusOK)
	} else if !o.sent {
		return nil
	}
	o.sent = false
	return http.NewResponseController(o.r.Response).Flush()
}

// release gives the buffer, which has been sent, away until the next write.
func (o *output) release() {
	if o.buf == nil {
		return
	}
	if cap(*o.buf) <= 2*holdBack {
		buffers.Put(o.buf)
	}
	o.buf = nil
}

// beat tells the client that the feed is alive.
func (o *output) beat() error {
	b := o.buffer()
	*b = append(*b, o.layout.beat...)
	return o.flush()
}
