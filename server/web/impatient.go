package web

import (
	"io"
	"net/http"
	"time"
)

// Impatient returns a writer of the answer's body for a handler that holds what others
// wait for. Where a client does not take what is written within d, the write ends with an
// error that is [os.ErrDeadlineExceeded], and the connection is of no more use.
func (r *Request) Impatient(d time.Duration) io.Writer { return &impatient{r, d} }

type impatient struct {
	r *Request
	d time.Duration
}

func (w *impatient) Write(p []byte) (int, error) {
	// A connection without deadlines is none that a client keeps waiting. net/http
	// takes the deadline away once the request is answered.
	_ = http.NewResponseController(w.r.Response).SetWriteDeadline(time.Now().Add(w.d))
	return w.r.Response.Write(p)
}
