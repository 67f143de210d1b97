package web_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"settle/server/web"
	"settle/storage/couch"
)

// detaching returns a server whose answers begin with "head " and go on with run.
// The channel gets what Detached ran to its end.
func detaching(t *testing.T, ctx context.Context, run func(*web.Request) error) (*httptest.Server, <-chan struct{}) {
	t.Helper()
	ended := make(chan struct{}, 10)
	o := options()
	o.Detached = func(run func(context.Context)) {
		go func() {
			run(ctx)
			ended <- struct{}{}
		}()
	}
	handler := func(r *web.Request) error {
		if _, err := io.WriteString(r.Response, "head "); err != nil {
			return err
		}
		r.Response.Flush()
		return r.Detach(run)
	}
	server := httptest.NewServer(web.NewHandler(o, []web.Route{{Method: "GET", Path: "/:name", Handler: handler}}))
	t.Cleanup(server.Close)
	return server, ended
}

func waitFor(t *testing.T, ended <-chan struct{}) {
	t.Helper()
	select {
	case <-ended:
	case <-time.After(time.Minute):
		t.Fatal("it still runs")
	}
}

func TestDetachedAnswers(t *testing.T) {
	rows := func(r *web.Request) error {
		for i := range 3 {
			fmt.Fprintf(r.Response, "row %d ", i)
			io.WriteString(r.Response, "")
			r.Response.Flush()
		}
		return nil
	}
	tests := []struct {
		name  string
		run   func(*web.Request) error
		text  string
		whole bool
	}{
		{"whole", rows, "head row 0 row 1 row 2 ", true},
		{"nothing more", func(*web.Request) error { return nil }, "head ", true},
		{"refused", func(r *web.Request) error { rows(r); return couch.ErrDatabaseMissing }, "head row 0 row 1 row 2 ", false},
		{"failed", func(r *web.Request) error { rows(r); return errors.New("secret") }, "head row 0 row 1 row 2 ", false},
		{"panicked", func(r *web.Request) error { rows(r); panic("secret") }, "head row 0 row 1 row 2 ", false},
	}
	for _, tt := range tests {
		server, ended := detaching(t, t.Context(), tt.run)
		res, err := http.Get(server.URL + "/x")
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(res.Body)
		if string(text) != tt.text || (err == nil) != tt.whole {
			t.Errorf("%s: %q %v", tt.name, text, err)
		}
		waitFor(t, ended)
	}
}

// HTTP/1.0 knows no chunks: the end of the connection is that of the answer.
func TestDetachedAnswerToHTTP10(t *testing.T) {
	server, _ := detaching(t, t.Context(), func(r *web.Request) error {
		_, err := io.WriteString(r.Response, "tail")
		return err
	})
	conn, err := net.Dial("tcp", strings.TrimPrefix(server.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	io.WriteString(conn, "GET /x HTTP/1.0\r\n\r\n")
	text, err := io.ReadAll(conn)
	if err != nil || !strings.HasSuffix(string(text), "\r\n\r\nhead tail") {
		t.Errorf("%q %v", text, err)
	}
}

// The context of a detached request ends with the client, and with the server.
func TestDetachedRequestsEnd(t *testing.T) {
	waits := func(r *web.Request) error {
		<-r.Context().Done()
		return r.Context().Err()
	}
	ctx, cancel := context.WithCancel(t.Context())
	server, ended := detaching(t, ctx, waits)
	get := func() net.Conn {
		conn, err := net.Dial("tcp", strings.TrimPrefix(server.URL, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(conn, "GET /x HTTP/1.1\r\nHost: x\r\n\r\nGET /y HTTP/1.1\r\n") // what follows is not answered
		if _, err := bufio.NewReader(conn).ReadString(' '); err != nil {
			t.Fatal(err)
		}
		return conn
	}
	get().Close()
	waitFor(t, ended)
	conn := get()
	defer conn.Close()
	cancel()
	waitFor(t, ended)
}

// A client that does not read keeps nobody waiting once the context ends.
func TestDetachedWritesEnd(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	server, ended := detaching(t, ctx, func(r *web.Request) error {
		for {
			if _, err := r.Response.Write(make([]byte, 1<<20)); err != nil {
				return err
			}
		}
	})
	conn, err := net.Dial("tcp", strings.TrimPrefix(server.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	io.WriteString(conn, "GET /x HTTP/1.1\r\nHost: x\r\n\r\n")
	time.Sleep(50 * time.Millisecond) // until the buffers are full
	cancel()
	waitFor(t, ended)
}
