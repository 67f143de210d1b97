package server

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"

	"settle/server/node"
)

// plainRefusal is what net/http itself answers to a request line or path that it
// cannot read, before any handler sees the request.
const plainRefusal = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n400 Bad Request"

// jsonRefusal is CouchDB's answer to the same.
var jsonRefusal = func() []byte {
	const body = `{"error":"bad_request","reason":"invalid_url_encoding"}` + "\n"
	return fmt.Appendf(nil, "HTTP/1.1 400 Bad Request\r\nCache-Control: must-revalidate\r\nConnection: close\r\n"+
		"Content-Length: %d\r\nContent-Type: application/json\r\nServer: %s\r\n\r\n%s", len(body), serverName, body)
}()

// serverName is the Server header; clients read CouchDB's version from it.
const serverName = "CouchDB/" + node.Version + " (settle)"

// refusingListener makes connections whose refusals are JSON.
type refusingListener struct{ net.Listener }

// Accept waits for the next connection.
func (l refusingListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &refusingConn{Conn: conn}, nil
}

// refusingConn is a connection on which plainRefusal becomes jsonRefusal, while
// no handler has a request: what handlers write is never looked at.
type refusingConn struct {
	net.Conn
	busy atomic.Bool // a handler has a request, or its answer is being sent
}

// Write sends p, or what stands for it.
func (c *refusingConn) Write(p []byte) (int, error) {
	if !c.busy.Load() && string(p) == plainRefusal {
		if _, err := c.Conn.Write(jsonRefusal); err != nil {
			return 0, err
		}
		return len(p), nil
	}
	return c.Conn.Write(p)
}

type connKey struct{}

// withConn lets handlers find their connection.
func withConn(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, conn)
}

// markBusy notes that a handler has a request of its connection.
func markBusy(req *http.Request) {
	if conn, ok := req.Context().Value(connKey{}).(*refusingConn); ok {
		conn.busy.Store(true)
	}
}

// markIdle notes that a connection's answer has been sent.
func markIdle(conn net.Conn, state http.ConnState) {
	if conn, ok := conn.(*refusingConn); ok && state == http.StateIdle {
		conn.busy.Store(false)
	}
}
