package multipart

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Related is a document and the attachments that follow it, to be written.
// Without attachments it is the document's JSON alone.
type Related struct {
	Boundary    string
	Document    []byte       // its JSON
	Attachments []Attachment // in the order of the document's "follows" entries
}

// Attachment is the content of an attachment, to be written.
type Attachment struct {
	Name        string
	ContentType string
	Encoding    string // "gzip", or "" for content as it is
	Length      int64  // of what Open gives, in bytes
	// Open returns the content. It is called once its turn has come, and what it
	// returns is closed.
	Open func() (io.ReadCloser, error)
}

// ErrLength says that an attachment was not as long as its Length said.
var ErrLength = errors.New("multipart: attachment has another length than was announced")

const jsonType = "application/json"

// ContentType returns the type of the whole: application/json where nothing follows.
func (r *Related) ContentType() string {
	if len(r.Attachments) == 0 {
		return jsonType
	}
	return ContentType("related", r.Boundary)
}

// Length returns the number of bytes that WriteTo writes, for the Content-Length.
func (r *Related) Length() int64 {
	n := int64(len(r.Document))
	if len(r.Attachments) == 0 {
		return n
	}
	delim := int64(len("\r\n--") + len(r.Boundary))
	n += int64(len(r.head())) + delim + int64(len("--"))
	for i := range r.Attachments {
		n += int64(len(r.Attachments[i].header())) + r.Attachments[i].Length + delim
	}
	return n
}

func (r *Related) head() string {
	return "--" + r.Boundary + "\r\nContent-Type: " + jsonType + "\r\n\r\n"
}

// WriteTo writes the whole. After an error, be it of w, of a content or
// [ErrLength], what was written is not complete, and the connection that it went
// to has to be cut, so that the peer sees that.
func (r *Related) WriteTo(w io.Writer) (int64, error) {
	out := &counter{w: w}
	if len(r.Attachments) == 0 {
		out.Write(r.Document)
		return out.n, out.err
	}
	out.text(r.head())
	out.Write(r.Document)
	out.text("\r\n--" + r.Boundary)
	for i := range r.Attachments {
		a := &r.Attachments[i]
		out.text(a.header())
		if err := a.copyTo(out); err != nil {
			return out.n, err
		}
		out.text("\r\n--" + r.Boundary)
	}
	out.text("--")
	return out.n, out.err
}

func (a *Attachment) header() string {
	h := "\r\nContent-Disposition: attachment; filename=\"" + headerText(a.Name) +
		"\"\r\nContent-Type: " + headerText(a.ContentType) +
		"\r\nContent-Length: " + strconv.FormatInt(a.Length, 10)
	if a.Encoding != "" {
		h += "\r\nContent-Encoding: " + headerText(a.Encoding)
	}
	return h + "\r\n\r\n"
}

func (a *Attachment) copyTo(out *counter) (err error) {
	if out.err != nil {
		return out.err
	}
	content, err := a.Open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, content.Close()) }()
	// Not an io.LimitReader: a content that has a WriteTo is to use it.
	exact := &exactWriter{w: out, left: a.Length}
	n, err := io.Copy(exact, content)
	if err == nil && n != a.Length {
		err = fmt.Errorf("%w: %d bytes announced, %d given", ErrLength, a.Length, n)
	}
	return err
}

// exactWriter passes on as much as was announced. More is an ErrLength.
type exactWriter struct {
	w    io.Writer
	left int64
}

func (e *exactWriter) Write(b []byte) (int, error) {
	fits := b[:min(int64(len(b)), e.left)]
	n, err := e.w.Write(fits)
	e.left -= int64(n)
	if err == nil && len(fits) < len(b) {
		err = fmt.Errorf("%w: more bytes are given than announced", ErrLength)
	}
	return n, err
}

// headerText makes a text safe for a header line. Nothing but the line's end is
// replaced: CouchDB sends quotes and bytes beyond ASCII as they are.
func headerText(s string) string {
	if !strings.ContainsAny(s, "\r\n") {
		return s
	}
	return strings.NewReplacer("\r", "%0D", "\n", "%0A").Replace(s)
}

// counter counts what is written, and keeps the first error.
type counter struct {
	w   io.Writer
	n   int64
	err error
}

func (c *counter) Write(b []byte) (int, error) {
	if c.err != nil {
		return 0, c.err
	}
	n, err := c.w.Write(b)
	c.n += int64(n)
	c.err = err
	return n, err
}

func (c *counter) text(s string) { io.WriteString(onlyWriter{c}, s) }

// onlyWriter keeps io.Copy from using anything but Write.
type onlyWriter struct{ io.Writer }
