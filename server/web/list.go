package web

import (
	"bufio"
	"net/http"
)

// listBuffer is how much of a list is held back: an error before that much is
// written still gets its own status.
const listBuffer = 32 << 10

// List writes an answer that is a JSON list, or has one in it, item by item.
// Nothing reaches the client before the first 32 KiB, or a Flush.
//
// As long as nothing has, a handler may drop the List and return an error.
type List struct {
	r         *Request
	w         *bufio.Writer
	status    int
	separator string
	items     int
}

// NewList begins an answer of status 200 with what stands in front of the first
// item; separator goes between items.
func (r *Request) NewList(open, separator string) *List {
	l := &List{r: r, status: http.StatusOK, separator: separator}
	l.w = bufio.NewWriterSize(listSink{l}, listBuffer)
	l.w.WriteString(open) // an error comes back from the next call
	return l
}

// SetStatus changes the status, before anything has reached the client.
func (l *List) SetStatus(status int) { l.status = status }

// Item writes one item, which is JSON text.
func (l *List) Item(text []byte) error {
	if _, err := l.Begin().Write(text); err != nil {
		return err
	}
	return nil
}

// Begin writes the separator, where there is an item before, and returns where
// to write the next item.
func (l *List) Begin() *bufio.Writer {
	if l.items++; l.items > 1 {
		l.w.WriteString(l.separator)
	}
	return l.w
}

// Len returns how many items have been begun.
func (l *List) Len() int { return l.items }

// Flush sends what has been written so far to the client.
func (l *List) Flush() error {
	if err := l.w.Flush(); err != nil {
		return err
	}
	if !l.r.Response.Committed {
		l.begin()
	}
	return http.NewResponseController(l.r.Response).Flush()
}

// Close writes what stands behind the last item and ends the answer.
func (l *List) Close(tail string) error {
	if _, err := l.w.WriteString(tail); err != nil {
		return err
	}
	return l.w.Flush()
}

// begin sends the header.
func (l *List) begin() {
	l.r.jsonHeader()
	l.r.Response.WriteHeader(l.status)
}

// listSink sends the header in front of the first bytes.
type listSink struct{ l *List }

// Write passes p on to the client.
func (s listSink) Write(p []byte) (int, error) {
	if !s.l.r.Response.Committed {
		s.l.begin()
	}
	return s.l.r.Response.Write(p)
}
