package mail

import (
	"io"
	"net"
	"sync/atomic"
)

// listener is a listener whose connections remember that the agent has ended them.
type listener struct{ net.Listener }

// Accept waits for the next connection.
func (l listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &conn{Conn: c}, nil
}

// conn is a connection of an agent's. Of a last chunk (BDAT) that breaks off go-smtp
// says that it is whole; behind what is whole it reads no further, so that an end which
// was seen already when a message ends is in the middle of it.
type conn struct {
	net.Conn
	ended atomic.Bool
}

// Read reads what the agent sends.
func (c *conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err == io.EOF {
		c.ended.Store(true)
	}
	return n, err
}
