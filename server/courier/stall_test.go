package courier_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"settle/server/courier"
)

// slowly gives what r gives, each piece after a while.
type slowly struct {
	r     io.Reader
	pause time.Duration
}

func (s slowly) Read(p []byte) (int, error) {
	time.Sleep(s.pause)
	return s.r.Read(p[:min(len(p), 1000)])
}

// A server that lets a delivery stand still ends it; one that is slow does not, and
// neither does a content that is.
func TestStall(t *testing.T) {
	const length = 1 << 20
	answer := fmt.Sprintf("HTTP/1.1 201 Created\r\nContent-Length: %d\r\n\r\n%s", len(taken), taken)
	readAll := func(pause time.Duration) func(*http.Request, net.Conn) {
		return func(req *http.Request, conn net.Conn) {
			io.Copy(io.Discard, slowly{req.Body, pause})
			io.WriteString(conn, answer)
		}
	}
	for _, tt := range []struct {
		name    string
		pause   time.Duration // of the content, for each piece
		serve   func(*http.Request, net.Conn)
		stalled bool
	}{
		{"a server that reads nothing of the body", 0, func(*http.Request, net.Conn) {}, true},
		{"one that reads some of it", 0, func(req *http.Request, _ net.Conn) { io.CopyN(io.Discard, req.Body, length/2) }, true},
		{"one that does not answer", 0, func(req *http.Request, _ net.Conn) { io.Copy(io.Discard, req.Body) }, true},
		{"one that does not end its answer", 0, func(req *http.Request, conn net.Conn) {
			io.Copy(io.Discard, req.Body)
			io.WriteString(conn, answer[:len(answer)-5])
		}, true},
		{"a slow server", 0, readAll(time.Second), false},
		{"slow content", time.Hour, readAll(0), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				here, there := net.Pipe()
				defer there.Close()
				go func() {
					if req, err := http.ReadRequest(bufio.NewReader(there)); err == nil {
						tt.serve(req, there)
					}
				}()
				c := newCourier(t, "http://store.example")
				courier.DialWith(c, func() net.Conn { return here })
				ctx, cancel := context.WithTimeout(t.Context(), 10_000*time.Hour)
				defer cancel()
				p := parcel(strings.Repeat("x", length))
				p.Content, p.Length = slowly{p.Content, tt.pause}, -1
				receipt, err := c.Deliver(ctx, p)
				if tt.stalled != errors.Is(err, courier.ErrStalled) || tt.stalled != (err != nil) || tt.stalled != (receipt.ID == "") {
					t.Errorf("%+v, %v", receipt, err)
				}
			})
		})
	}
}

// hesitant gives a byte a minute, and from some time on nothing until it may end.
type hesitant struct {
	left int
	end  chan struct{}
}

func (h *hesitant) Read(p []byte) (int, error) {
	if h.left == 0 {
		<-h.end
		return 0, io.EOF
	}
	time.Sleep(time.Minute)
	h.left--
	return copy(p, "x"), nil
}

// A server that begins to answer before it has the whole ends its answer in time, whatever
// becomes of the content.
func TestEarlyAnswerStalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		here, there := net.Pipe()
		defer there.Close()
		go func() {
			if req, err := http.ReadRequest(bufio.NewReader(there)); err == nil {
				go io.Copy(io.Discard, req.Body)
				time.Sleep(10 * time.Minute)
				fmt.Fprintf(there, "HTTP/1.1 201 Created\r\nContent-Length: %d\r\n\r\n", len(taken))
			}
		}()
		c := newCourier(t, "http://store.example")
		courier.DialWith(c, func() net.Conn { return here })
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		p := parcel("")
		content := &hesitant{20, make(chan struct{})}
		p.Content, p.Length = content, -1
		if _, err := c.Deliver(ctx, p); !errors.Is(err, courier.ErrStalled) {
			t.Errorf("%v", err)
		}
		close(content.end)
		time.Sleep(time.Hour) // until the transport has done with it
	})
}
