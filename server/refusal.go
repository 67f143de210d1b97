package server

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"

	"settle/server/node"
)

// plainHeader is the header of what net/http itself answers to a request that it
// cannot read, before any handler sees it. It stands between the status line and
// a text, and is written together with both.
const plainHeader = "\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"

// refusal is an error as CouchDB shows it.
type refusal struct {
	Name   string `json:"error"`
	Reason string `json:"reason"`
}

// refusals are the answers by status. What net/http itself says of a bad request
// is the reason where there is more of it than the status.
var refusals = map[int]refusal{
	http.StatusBadRequest:                  {"bad_request", "The request line or a header is malformed."},
	http.StatusRequestHeaderFieldsTooLarge: {"too_large", "The request's header is too large."},
	http.StatusNotImplemented:              {"not_implemented", "Unsupported Transfer-Encoding."},
	http.StatusHTTPVersionNotSupported:     {"http_version_not_supported", "This server speaks HTTP/1.1 and HTTP/2."},
}

// errBadURL is CouchDB's answer to a path that cannot be unescaped.
var errBadURL = refusal{"bad_request", "invalid_url_encoding"}

// jsonRefusal returns what stands for an answer of net/http's; nil where p is
// none that refuses a request.
func jsonRefusal(p []byte, badURL bool) []byte {
	line, text, ok := strings.Cut(string(p), plainHeader)
	line, ok2 := strings.CutPrefix(line, "HTTP/1.1 ")
	code, _, _ := strings.Cut(line, " ")
	status, err := strconv.Atoi(code)
	shown, known := refusals[status]
	if !ok || !ok2 || err != nil || !known {
		return nil
	}
	if _, more, ok := strings.Cut(text, ": "); ok && status == http.StatusBadRequest {
		shown.Reason = more
	} else if badURL && status == http.StatusBadRequest {
		shown = errBadURL
	}
	body, err := json.Marshal(shown)
	if err != nil {
		return nil
	}
	return fmt.Appendf(nil, "HTTP/1.1 %d %s\r\nCache-Control: must-revalidate\r\nConnection: close\r\n"+
		"Content-Length: %d\r\nContent-Type: application/json\r\nServer: %s\r\n\r\n%s\n",
		status, http.StatusText(status), len(body)+1, serverName, body)
}

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

// refusingConn is a connection on which net/http's refusals become JSON, while no
// handler has a request: what handlers write is never looked at.
type refusingConn struct {
	net.Conn
	busy   atomic.Bool // a handler has a request, or its answer is being sent
	badURL atomic.Bool // the request line has a path that cannot be unescaped
}

// Read receives into p, and notes of a request line what a refusal does not tell.
func (c *refusingConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if !c.busy.Load() && hasBadPath(p[:n]) {
		c.badURL.Store(true)
	}
	return n, err
}

// hasBadPath reports whether a request that begins with text has a path in which
// a percent sign begins no escape.
func hasBadPath(text []byte) bool {
	line, _, _ := bytes.Cut(text, []byte{'\n'})
	path, _, _ := bytes.Cut(line, []byte{'?'})
	for _, after, ok := bytes.Cut(path, []byte{'%'}); ok; _, after, ok = bytes.Cut(after, []byte{'%'}) {
		if len(after) < 2 {
			return false // the rest has not come
		}
		if _, err := hex.Decode(make([]byte, 1), after[:2]); err != nil {
			return true
		}
	}
	return false
}

// Write sends p, or what stands for it.
func (c *refusingConn) Write(p []byte) (int, error) {
	if c.busy.Load() {
		return c.Conn.Write(p)
	}
	answer := jsonRefusal(p, c.badURL.Load())
	if answer == nil {
		return c.Conn.Write(p)
	}
	if _, err := c.Conn.Write(answer); err != nil {
		return 0, err
	}
	return len(p), nil
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
