package multipart

import (
	"bytes"
	"io"
	"strings"

	"settle/storage/couch"
)

// Part is one part of a multipart body. It is valid until the Reader's next Next.
type Part struct {
	// Header as it was sent. Nothing in it decides which attachment the part is:
	// as in CouchDB the order of the parts does.
	Header Header

	r       *Reader
	delim   []byte // nil: the Reader's
	atStart bool   // nothing was read yet
	err     error  // io.EOF or an error, once reached
}

// MediaType returns the part's Content-Type in lower case, without parameters;
// "" where it has none.
func (p *Part) MediaType() string {
	t, _, _ := strings.Cut(p.Header.Get("Content-Type"), ";")
	return strings.ToLower(strings.TrimSpace(t))
}

// Read reads the content of the part. It ends with io.EOF at the next boundary,
// with [ErrTruncated] where the input ends first, or with an error of the input.
func (p *Part) Read(b []byte) (int, error) {
	if len(b) == 0 && p.err == nil {
		return 0, nil
	}
	for p.err == nil {
		n, err := p.available()
		if err != nil {
			p.err = err
			break
		}
		if n > 0 {
			p.atStart = false
			return p.r.in.Read(b[:min(n, len(b))])
		}
	}
	return 0, p.err
}

// available returns how many bytes at the front of the buffer are certain to be
// content. It returns 0 where it had to read more first, and io.EOF when it has
// moved behind the delimiter.
func (p *Part) available() (int, error) {
	delim := p.delim
	if delim == nil {
		delim = p.r.delim
	}
	window, _ := p.r.in.Peek(p.r.in.Buffered())
	if p.atStart {
		// A part without a body may end in the empty line of its header.
		if d := delim[2:]; bytes.HasPrefix(window, d) {
			p.r.in.Discard(len(d))
			return 0, io.EOF
		} else if len(window) < len(d) && bytes.HasPrefix(d, window) {
			return 0, p.fill(len(window))
		}
	}
	switch i := bytes.Index(window, delim); {
	case i > 0:
		return i, nil
	case i == 0:
		p.r.in.Discard(len(delim))
		return 0, io.EOF
	}
	if n := len(window) - partialSuffix(window, delim); n > 0 {
		return n, nil
	}
	return 0, p.fill(len(window))
}

// fill waits for more than n bytes in the buffer. Where the input ends what is
// left is the beginning of a delimiter, or nothing.
func (p *Part) fill(n int) error {
	_, err := p.r.in.Peek(n + 1)
	return truncated(err)
}

// partialSuffix returns the length of the longest end of window with which delim
// begins. delim as a whole is not in window.
func partialSuffix(window, delim []byte) int {
	start := max(0, len(window)-len(delim)+1)
	for i := start; i < len(window); i++ {
		j := bytes.IndexByte(window[i:], delim[0])
		if j < 0 {
			return 0
		}
		i += j
		if bytes.HasPrefix(delim, window[i:]) {
			return len(window) - i
		}
	}
	return 0
}

// Expect returns a reader of the part whose content is length bytes by the
// document that announced it. It ends with io.EOF after exactly that many, even
// if the end boundary behind them is missing, which CouchDB accepts too. A part
// that is longer or shorter ends with a BadRequest.
func (p *Part) Expect(length int64) io.Reader { return &expectReader{p, length} }

type expectReader struct {
	p    *Part
	left int64
}

func (e *expectReader) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	if e.left <= 0 {
		return 0, e.end()
	}
	n, err := e.p.Read(b[:min(int64(len(b)), e.left)])
	e.left -= int64(n)
	if err == io.EOF || err == ErrTruncated {
		err = couch.Errorf(couch.BadRequest, "attachment shorter than expected")
	}
	return n, err
}

func (e *expectReader) end() error {
	var one [1]byte
	if e.left < 0 {
		return couch.Errorf(couch.BadRequest, "attachment longer than expected")
	}
	n, err := e.p.Read(one[:])
	switch {
	case n > 0:
		e.left = -1
		return couch.Errorf(couch.BadRequest, "attachment longer than expected")
	case err == ErrTruncated:
		return io.EOF
	}
	return err
}
