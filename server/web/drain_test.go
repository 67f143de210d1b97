package web_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"settle/server/web"
	"settle/storage/couch"
)

// refusing returns a server that refuses every body, having read so much of it, and
// the address of it.
func refusing(t *testing.T, reads int64) string {
	t.Helper()
	handler := func(r *web.Request) error {
		if _, err := io.CopyN(io.Discard, r.Body, reads); err != nil {
			return err
		}
		return &couch.Error{Kind: couch.RequestTooLarge}
	}
	server := httptest.NewServer(web.NewHandler(options(), []web.Route{{Method: "PUT", Path: "/:name", Handler: handler, Privilege: web.Public}}))
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// refused sends a request's header, and the body too where it has one; it returns the
// statuses of what comes back until the connection ends.
func refused(t *testing.T, address, header string, body io.Reader) (statuses []int) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := fmt.Fprintf(conn, "PUT /x HTTP/1.1\r\nHost: h\r\n%s\r\n\r\n", header); err != nil {
		t.Fatal(err)
	}
	if body != nil {
		if _, err := io.Copy(conn, body); err != nil {
			t.Fatal(err)
		}
	}
	for r := bufio.NewReader(conn); ; {
		res, err := http.ReadResponse(r, nil)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error("the server keeps the connection")
		}
		if err != nil {
			return statuses
		}
		io.Copy(io.Discard, res.Body)
		statuses = append(statuses, res.StatusCode)
	}
}

// What is left of a refused body is read, unless the client waits to be asked for it.
func TestRefusedBodies(t *testing.T) {
	const size = 20 << 20
	length := fmt.Sprintf("Content-Length: %d", size)
	zeros := func() io.Reader { return strings.NewReader(strings.Repeat("x", size)) }
	tests := []struct {
		name   string
		reads  int64
		header string
		body   io.Reader
		want   string
	}{
		{"unread", 0, length, zeros(), "[413]"},
		{"read in part", 1 << 20, length, zeros(), "[413]"},
		{"small", 0, "Connection: close\r\nContent-Length: 5", strings.NewReader("hello"), "[413]"},
		{"asked for", 1, length + "\r\nExpect: 100-continue", zeros(), "[100 413]"},
		{"not asked for", 0, length + "\r\nExpect: 100-continue", nil, "[413]"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := fmt.Sprint(refused(t, refusing(t, tt.reads), tt.header, tt.body)); got != tt.want {
				t.Errorf("the server answered %s, want %s", got, tt.want)
			}
		})
	}
}

// A refused body that does not end is not read for ever.
func TestRefusedBodyWithoutEnd(t *testing.T) {
	conn, err := net.Dial("tcp", refusing(t, 0))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(time.Minute))
	fmt.Fprint(conn, "PUT /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
	chunk := "100000\r\n" + strings.Repeat("x", 1<<20) + "\r\n"
	const most = 256
	for sent := range most {
		if _, err := io.WriteString(conn, chunk); err != nil {
			if sent < 64 {
				t.Errorf("cut off after %d MiB: %v", sent, err)
			}
			return
		}
	}
	t.Errorf("it reads on behind %d MiB", most)
}

// A connection over which a small body was refused goes on to be used.
func TestRefusalKeepsConnection(t *testing.T) {
	conn, err := net.Dial("tcp", refusing(t, 0))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(time.Minute))
	r := bufio.NewReader(conn)
	for range 3 {
		fmt.Fprint(conn, "PUT /x HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello")
		res, err := http.ReadResponse(r, nil)
		if err != nil || res.StatusCode != 413 || res.Close {
			t.Fatal(res, err)
		}
		io.Copy(io.Discard, res.Body)
	}
}
