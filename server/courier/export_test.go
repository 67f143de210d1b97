package courier

import (
	"context"
	"net"
	"net/http"
)

// DialWith has a courier reach its server by dial.
func DialWith(c *Courier, dial func() net.Conn) {
	c.client.Transport.(*http.Transport).DialContext = func(context.Context, string, string) (net.Conn, error) { return dial(), nil }
}

// ErrStalled is errStalled, for tests.
var ErrStalled = errStalled
