package remote

import (
	"errors"
	"io"
	"net/http"
)

// maxBody is the largest document that is taken from a peer, in bytes.
const maxBody = 64 << 20

// errTooLong is the error of what does not end within its bound.
var errTooLong = errors.New("remote: the peer's answer is too long")

// bounded reads what is held in memory, of which a peer may send more and more. It fails
// where that does not end within the bound.
type bounded struct {
	r    io.Reader
	most int // bytes
	left int // of those
}

func bound(r io.Reader, most int) *bounded { return &bounded{r, most, most} }

// renew says that what has come is held no more.
func (b *bounded) renew() { b.left = b.most }

// Read reads on.
func (b *bounded) Read(p []byte) (int, error) {
	if b.left == 0 { // that may be all
		n, err := b.r.Read(make([]byte, 1))
		if n > 0 {
			err = errTooLong
		}
		return 0, err
	}
	n, err := b.r.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

// bounding returns a client like another, of whose answers no more is read than that.
func bounding(c *http.Client, most int) *http.Client {
	bounding := *c
	bounding.Transport = boundedTransport{c.Transport, most}
	return &bounding
}

type boundedTransport struct {
	next http.RoundTripper
	most int
}

// RoundTrip makes one request.
func (t boundedTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := t.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	res.Body = struct {
		io.Reader
		io.Closer
	}{bound(res.Body, t.most), res.Body}
	return res, nil
}
