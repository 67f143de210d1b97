package design

import (
	"context"
	"iter"
	"strings"
)

// Listing is what a list function reads and writes. The functions are called while
// List runs, in another goroutine, one at a time. The time they take is not the list
// function's.
type Listing struct {
	Head []byte // JSON: what the view's answer has before the rows
	Req  []byte // the request object, JSON
	Rows iter.Seq2[[]byte, error]
	// Start is called before Chunk with the code and the header that the function gives,
	// and again where it gives others before there is a Chunk.
	Start func(Response) error
	// Chunk is called with parts of the body. The text is the callee's.
	Chunk func(text string) error
}

// List runs a list function. Rows are read as the function asks for them, some at a
// time, and not to the end where it does not ask for all. The error is as of Filter,
// or what Rows, Start or Chunk returned; Start may have been called before. It is an
// *AtRowError around it where the function fails when it has read a row, but not all.
func (d *Document) List(ctx context.Context, name string, l Listing) error {
	path, err := d.function("lists", name)
	if err != nil {
		return err
	}
	next, stop := iter.Pull2(l.Rows)
	h := &listHost{listing: l, next: next}
	err = d.functions.session(ctx, d.engine.lists, h.serve, func(s *session) error {
		_, err := s.call("list", path, string(l.Head), string(l.Req))
		return err
	})
	stop()
	if h.err != nil && ctx.Err() == nil {
		return h.err
	}
	if err != nil && h.atRow {
		return &AtRowError{err}
	}
	return err
}

// AtRowError is the error of a list function that fails at a row.
type AtRowError struct{ Err error }

// Error returns the error's text.
func (e *AtRowError) Error() string { return e.Err.Error() }

// Unwrap returns the error.
func (e *AtRowError) Unwrap() error { return e.Err }

// listHost answers the host calls of a list function. The first error ends all.
type listHost struct {
	listing Listing
	next    func() ([]byte, error, bool)
	err     error
	atRow   bool // the function has failed at a row
}

func (h *listHost) serve(what, text string) (answer string, err error) {
	if h.err != nil {
		return "", h.err
	}
	defer func() { h.err = err }()
	switch what {
	case "start":
		response, err := parseResponse([]byte(text))
		if err != nil {
			return "", err
		}
		return "", h.listing.Start(response)
	case "rows":
		if err := h.chunk(text); err != nil {
			return "", err
		}
		return h.rows()
	case "broken":
		h.atRow = true
	}
	return "", h.chunk(text)
}

func (h *listHost) chunk(text string) error {
	if text == "" {
		return nil
	}
	return h.listing.Chunk(text)
}

// Rows go to the function in groups of this size and number.
const (
	listText = 64 << 10
	listRows = 100
)

// rows returns the next rows as a JSON array, "" after the last.
func (h *listHost) rows() (string, error) {
	var b strings.Builder
	for n := 0; n < listRows && b.Len() < listText; n++ {
		row, err, ok := h.next()
		if err != nil {
			return "", err
		}
		if !ok {
			break
		}
		if n == 0 {
			b.WriteByte('[')
		} else {
			b.WriteByte(',')
		}
		b.Write(row)
	}
	if b.Len() == 0 {
		return "", nil
	}
	b.WriteByte(']')
	return b.String(), nil
}
