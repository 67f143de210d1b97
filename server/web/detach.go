package web

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync"

	"github.com/labstack/echo/v4"
)

// Detach lets an answer whose header has been flushed go on for long, with run,
// in little memory: over HTTP/1 it takes the connection from net/http, whose
// buffers and stack are then freed, and returns at once; the connection is closed
// behind the answer. Over HTTP/2 it only calls run.
//
// run gets the request that it must use from then on. Its context ends when the
// client goes away, and when the time for a shutdown has run out; it has no
// parameters and no body any more. Where run returns an error, or panics, the
// connection is cut.
func (r *Request) Detach(run func(*Request) error) error {
	if r.options.Detached == nil || r.ProtoMajor != 1 || !r.Response.Committed || r.compressed != nil {
		return run(r)
	}
	conn, _, err := http.NewResponseController(r.Response).Hijack()
	if err != nil { // nothing has changed
		return run(r)
	}
	r.Body = http.NoBody // the other one went with the connection, and holds on to a buffer
	d := &detached{
		Request: *r, route: r.params.Path(), run: run,
		writer: &connWriter{conn: conn, header: r.Response.Header(), chunked: r.ProtoAtLeast(1, 1)},
	}
	d.params, d.compressors = nil, nil
	r.options.Detached(d.serve)
	return nil
}

// detached is a request that goes on behind its handler.
type detached struct {
	Request
	route  string
	run    func(*Request) error
	writer *connWriter
}

// serve writes the rest of the answer.
func (d *detached) serve(ctx context.Context) {
	conn := d.writer.conn
	ctx, cancel := context.WithCancel(ctx)
	context.AfterFunc(ctx, func() { conn.Close() }) // a write that waits ends
	defer cancel()
	go func() {
		awaitEnd(conn)
		cancel()
	}()
	d.Request.Request = d.Request.Request.WithContext(ctx)
	d.Response = echo.NewResponse(d.writer, nil)
	d.Response.Committed, d.Response.Status = true, http.StatusOK
	if d.whole(ctx) {
		d.writer.end()
	}
}

// whole runs what is to be run and reports whether the answer is whole.
func (d *detached) whole(ctx context.Context) (ok bool) {
	defer func() {
		if cause := recover(); cause != nil && cause != http.ErrAbortHandler {
			fault, _ := cause.(runtime.Error)
			d.options.Logger.Error("a handler panicked", "id", d.ID, "route", d.route, "fault", fault, "stack", string(debug.Stack()))
		}
	}()
	err := d.run(&d.Request)
	if err != nil && ctx.Err() == nil {
		if status, _, _ := Describe(err); status == http.StatusInternalServerError {
			d.options.Logger.Error("a request failed", "id", d.ID, "route", d.route, "error", err)
		}
	}
	return err == nil
}

// awaitEnd waits until the client closes the connection. What it sends meanwhile
// is not for us to answer: the connection ends with the answer.
func awaitEnd(conn net.Conn) {
	var b [1]byte
	for {
		if _, err := conn.Read(b[:]); err != nil {
			return
		}
	}
}

// connWriter writes the body of an answer to a connection.
type connWriter struct {
	conn    net.Conn
	header  http.Header
	chunked bool // each write is one chunk of HTTP/1.1
}

// Header returns the header that was sent.
func (w *connWriter) Header() http.Header { return w.header }

// WriteHeader does nothing: the header was sent.
func (w *connWriter) WriteHeader(int) {}

// FlushError does nothing: what was written was sent.
func (w *connWriter) FlushError() error { return nil }

// chunks lends the buffers in which a chunk gets its frame.
var chunks = sync.Pool{New: func() any { return new([]byte) }}

// maxChunkKept is the largest buffer that is kept.
const maxChunkKept = 64 << 10

// Write sends p.
func (w *connWriter) Write(p []byte) (int, error) {
	if !w.chunked {
		return w.conn.Write(p)
	}
	if len(p) == 0 {
		return 0, nil // an empty chunk would end the answer
	}
	b := chunks.Get().(*[]byte)
	*b = strconv.AppendInt((*b)[:0], int64(len(p)), 16)
	*b = append(append(append(*b, "\r\n"...), p...), "\r\n"...)
	_, err := w.conn.Write(*b)
	if cap(*b) <= maxChunkKept {
		chunks.Put(b)
	}
	if err != nil {
		return 0, fmt.Errorf("the client does not read: %w", err)
	}
	return len(p), nil
}

// end sends what stands behind a whole body.
func (w *connWriter) end() {
	if w.chunked {
		w.conn.Write([]byte("0\r\n\r\n")) // an error is the client's
	}
}
