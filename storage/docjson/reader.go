package docjson

import (
	"errors"
	"io"

	"settle/storage/couch"
)

// MaxDepth is how deep arrays and objects may be nested in each other.
const MaxDepth = 1000

// MaxValue is the largest string or value, in bytes of its text, that String,
// Value and the special members of a document may have.
const MaxValue = 16 << 20

// readSize is the size of a Reader's buffer.
const readSize = 16 << 10

var (
	errInvalid = &couch.Error{Kind: couch.BadRequest, Reason: "invalid UTF-8 JSON"}
	errDepth   = &couch.Error{Kind: couch.BadRequest, Reason: "JSON is nested too deeply"}
	errLarge   = &couch.Error{Kind: couch.RequestTooLarge, Reason: "the request entity is too large"}
	errObject  = &couch.Error{Kind: couch.BadRequest, Reason: "a JSON object expected"}
	errArray   = &couch.Error{Kind: couch.BadRequest, Reason: "a JSON array expected"}
	errString  = &couch.Error{Kind: couch.BadRequest, Reason: "a JSON string expected"}
)

// Reader reads one JSON text from a stream, in small pieces.
//
// Its methods read the value at which the Reader stands; those that iterate
// leave it standing at each value in turn. Malformed JSON is a BadRequest; an
// error of the underlying reader is returned as it is. After either, every call
// returns the same error. A Reader is not for concurrent use.
type Reader struct {
	src      io.Reader
	srcErr   error
	buf      []byte
	pos, end int // what is read of src and not yet used

	err    error // the first syntax or reading error
	depth  int
	values int // grows with each value read, so that iterators see what is left unread

	rune  [4]byte // the last escaped character
	num   []byte  // the last number
	names []member
}

// NewReader returns a Reader of the JSON text in src. It reads ahead: nothing of
// src may be used by others until End.
func NewReader(src io.Reader) *Reader {
	return &Reader{src: src, buf: make([]byte, readSize)}
}

// Kind is the kind of a JSON value.
type Kind byte

// The kinds of values.
const (
	Invalid Kind = iota
	Object
	Array
	String
	Number
	Bool
	Null
)

// Kind says what the next value is, without reading it. Where there is none the
// error is a BadRequest.
func (r *Reader) Kind() (Kind, error) {
	c, err := r.peek()
	if err != nil {
		return Invalid, err
	}
	switch c {
	case '{':
		return Object, nil
	case '[':
		return Array, nil
	case '"':
		return String, nil
	case 't', 'f':
		return Bool, nil
	case 'n':
		return Null, nil
	}
	if c == '-' || c >= '0' && c <= '9' {
		return Number, nil
	}
	return Invalid, r.fail(errInvalid)
}

// End reads the rest of the stream and checks that it is white space only.
func (r *Reader) End() error {
	if r.err != nil {
		return r.err
	}
	for {
		for r.pos < r.end && isSpace(r.buf[r.pos]) {
			r.pos++
		}
		if r.pos < r.end {
			return r.fail(errInvalid)
		}
		if err := r.fill(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return r.fail(err)
		}
	}
}

// peek returns the next byte that is not white space.
func (r *Reader) peek() (byte, error) {
	if r.err != nil {
		return 0, r.err
	}
	for {
		for r.pos < r.end {
			if c := r.buf[r.pos]; !isSpace(c) {
				return c, nil
			}
			r.pos++
		}
		if err := r.fill(); err != nil {
			return 0, r.fail(err)
		}
	}
}

// take reads the next byte, white space or not.
func (r *Reader) take() (byte, error) {
	if r.pos == r.end {
		if err := r.fill(); err != nil {
			return 0, r.fail(err)
		}
	}
	r.pos++
	return r.buf[r.pos-1], nil
}

// expect reads white space and then c.
func (r *Reader) expect(c byte) error {
	got, err := r.peek()
	if err != nil {
		return err
	}
	if got != c {
		return r.fail(errInvalid)
	}
	r.pos++
	return nil
}

// next moves to the next member or element, and reports whether there is one;
// otherwise it has read the closing bracket.
func (r *Reader) next(closing byte, first bool) (bool, error) {
	c, err := r.peek()
	if err != nil {
		return false, err
	}
	switch {
	case c == closing:
		r.pos++
		r.depth--
		return false, nil
	case first:
		return true, nil
	case c != ',':
		return false, r.fail(errInvalid)
	}
	r.pos++
	if c, err = r.peek(); err != nil {
		return false, err
	}
	if c == closing {
		return false, r.fail(errInvalid)
	}
	return true, nil
}

// open reads the opening bracket c of an object or array.
func (r *Reader) open(c byte) error {
	if err := r.expect(c); err != nil {
		return err
	}
	if r.depth++; r.depth > MaxDepth {
		return r.fail(errDepth)
	}
	return nil
}

// fill reads more of the stream behind what is left in the buffer. The error is
// io.EOF at the end of the stream.
func (r *Reader) fill() error {
	if r.pos > 0 {
		r.end = copy(r.buf, r.buf[r.pos:r.end])
		r.pos = 0
	}
	for range 100 {
		if r.srcErr != nil {
			return r.srcErr
		}
		n, err := r.src.Read(r.buf[r.end:])
		r.end += n
		r.srcErr = err
		if n > 0 {
			return nil
		}
	}
	return io.ErrNoProgress
}

// fail makes err the error of this and every later call. A stream that ends too
// early is malformed JSON.
func (r *Reader) fail(err error) error {
	if r.err == nil {
		if err == io.EOF {
			err = errInvalid
		}
		r.err = err
	}
	return r.err
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' }
