package web

import (
	"io"
	"net/http"
	"time"
)

// Bounds on what is read behind a refusal.
const (
	// maxDrained is how much of a refused body is read: what clients send in one
	// piece. One that goes on for longer is cut off instead of using up the line.
	maxDrained = 64 << 20
	// maxDrainTime is how long it may take, so that a client that hardly sends does
	// not hold its connection: time for that much at 5 Mbit/s.
	maxDrainTime = 2 * time.Minute
)

// expectedBody is the body of a client that may be waiting for a 100, which the first
// Read sends.
type expectedBody struct {
	io.ReadCloser
	wanted bool // it was read
}

// Read reads from the body.
func (b *expectedBody) Read(p []byte) (int, error) {
	b.wanted = true
	return b.ReadCloser.Read(p)
}

// noteExpectation lets drain know whether a client that asked for a 100 got it. The
// request is a copy of net/http's, which keeps the body that it made.
func noteExpectation(req *http.Request) {
	if req.Header.Get("Expect") != "" {
		req.Body = &expectedBody{ReadCloser: req.Body}
	}
}

// drain sends a refusal and throws away what is left of the request's body. Many
// clients write all of it before they read: net/http, which gives up after 256 KiB,
// would close the connection under them, and they would see that it was reset instead
// of the answer. Over HTTP/2 a refused body takes nothing else with it.
func (r *Request) drain() {
	refused := r.Response.Status >= http.StatusBadRequest || r.Response.Status == http.StatusFound
	if !refused || r.ProtoMajor != 1 || r.Body == http.NoBody {
		return
	}
	if body, ok := r.Body.(*expectedBody); ok && !body.wanted {
		return // the client reads the answer first, and may never send the body
	}
	w := r.Response.Writer
	if r.compressed != nil {
		w = r.compressed.next // all of the answer is there
	}
	conn := http.NewResponseController(w)
	if conn.SetReadDeadline(time.Now().Add(maxDrainTime)) != nil {
		return // there is no connection that could be reset
	}
	if conn.Flush() != nil {
		return // the client is gone
	}
	// net/http takes the deadline away before the next request.
	io.CopyN(io.Discard, r.Body, maxDrained) // an error is the client's
	r.Body.Close()                           // a request that this one was made of does not go on reading
}
