package multipart

import (
	"bufio"
	"bytes"
	"io"

	"settle/storage/couch"
)

const (
	// readBuffer is what a Reader holds of its input, in bytes; more than a delimiter.
	readBuffer = 16 << 10
	// maxHeader bounds the header of one part, in bytes. It has to fit the buffer.
	maxHeader = readBuffer
)

// ErrTruncated is what reading ends with where the input ends without the
// boundary that should come next. It is a BadRequest and matches
// io.ErrUnexpectedEOF.
var ErrTruncated error = &couch.Error{
	Kind: couch.BadRequest, Reason: "multipart body ends early", Err: io.ErrUnexpectedEOF,
}

// Reader reads the parts of a multipart body in order. It is for one goroutine.
type Reader struct {
	in       *bufio.Reader
	delim    []byte // CR LF "--" boundary
	maxParts int
	parts    int   // given out so far
	part     *Part // the newest one; nil before the first
	err      error // what Next answers from now on
}

// NewReader returns a Reader of the body r whose Content-Type is given. More than
// maxParts parts are an error; 0 means no limit. Errors are those of [Boundary].
//
// It may read further in r than the end of the multipart body. A part's nested
// multipart body is read by a Reader over the part.
func NewReader(r io.Reader, contentType string, maxParts int) (*Reader, error) {
	boundary, err := Boundary(contentType)
	if err != nil {
		return nil, err
	}
	return &Reader{
		in:       bufio.NewReaderSize(r, readBuffer),
		delim:    []byte("\r\n--" + boundary),
		maxParts: maxParts,
	}, nil
}

// Document returns the first part of a multipart/related body, the document. The
// error is a BadContentType where its type is not application/json, else as Next's.
func (r *Reader) Document() (*Part, error) {
	p, err := r.Next()
	if err == io.EOF {
		return nil, ErrTruncated
	}
	if err != nil {
		return nil, err
	}
	if p.MediaType() != "application/json" {
		return nil, couch.Errorf(couch.BadContentType, "Content-Type must be application/json")
	}
	return p, nil
}

// Next returns the next part, and io.EOF behind the last one. What was not read
// of the part before is skipped.
//
// Errors: [ErrTruncated], a BadRequest for a header that is none, or too long, or
// for too many parts, and those of the body it reads from. After an error every
// call returns the same one.
func (r *Reader) Next() (*Part, error) {
	if r.err == nil {
		if p, err := r.next(); err != nil {
			r.err = err
		} else {
			r.part = p
			return p, nil
		}
	}
	return nil, r.err
}

func (r *Reader) next() (*Part, error) {
	if err := r.skip(); err != nil {
		return nil, err
	}
	last, err := r.atEnd()
	if err != nil {
		return nil, err
	}
	if last {
		return nil, io.EOF
	}
	if r.maxParts > 0 && r.parts >= r.maxParts {
		return nil, couch.Errorf(couch.BadRequest, "too many parts in multipart body")
	}
	r.parts++
	header, err := r.readHeader()
	if err != nil {
		return nil, err
	}
	return &Part{Header: header, r: r, atStart: true}, nil
}

// skip moves behind the next delimiter: that of the preamble, or of the part
// that was given out last.
func (r *Reader) skip() error {
	p := r.part
	if p == nil {
		p = &Part{r: r, delim: r.delim[2:]}
	}
	_, err := io.Copy(io.Discard, p)
	return err
}

// atEnd reports whether the delimiter just read is the last one.
func (r *Reader) atEnd() (bool, error) {
	next, err := r.in.Peek(2)
	if err != nil {
		return false, truncated(err)
	}
	return string(next) == "--", nil
}

// readHeader reads the header block of a part, which reaches from the delimiter
// to the first empty line.
func (r *Reader) readHeader() (Header, error) {
	end := []byte("\r\n\r\n")
	for n := len(end); ; {
		if _, err := r.in.Peek(n); err != nil {
			return nil, truncated(err)
		}
		window, _ := r.in.Peek(min(r.in.Buffered(), maxHeader))
		if i := bytes.Index(window, end); i >= 0 {
			header, err := parseHeader(string(window[:i]))
			r.in.Discard(i + len(end))
			return header, err
		}
		if len(window) >= maxHeader {
			return nil, couch.Errorf(couch.BadRequest, "part header too long")
		}
		n = len(window) + 1
	}
}

// truncated turns the end of the input into ErrTruncated.
func truncated(err error) error {
	if err == io.EOF {
		return ErrTruncated
	}
	return err
}
