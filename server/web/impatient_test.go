package web_test

import (
	"errors"
	"io"
	"net"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"settle/server/web"
)

// A handler that writes impatiently does not wait for a client that has stopped reading.
func TestImpatient(t *testing.T) {
	ended := make(chan error, 1)
	server := httptest.NewServer(web.NewHandler(options(), []web.Route{{Method: "GET", Path: "/:name", Handler: func(r *web.Request) error {
		out, text := r.Impatient(50*time.Millisecond), strings.Repeat("x", 1<<16)
		for {
			if _, err := io.WriteString(out, text); err != nil {
				ended <- err
				return err
			}
		}
	}}}))
	t.Cleanup(server.Close)
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "GET /a HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("a write ended with %v", err)
		}
	case <-time.After(time.Minute):
		t.Error("the handler still writes to a client that reads nothing")
	}
}

// Impatience ends with the answer: the connection serves the next request.
func TestImpatientOnce(t *testing.T) {
	server := httptest.NewServer(web.NewHandler(options(), []web.Route{{Method: "GET", Path: "/:name", Handler: func(r *web.Request) error {
		if r.Param("name") == "hasty" {
			_, err := io.WriteString(r.Impatient(time.Second), "hasty")
			return err
		}
		time.Sleep(1100 * time.Millisecond)
		_, err := io.WriteString(r.Response, "slow")
		return err
	}}}))
	t.Cleanup(server.Close)
	for _, name := range []string{"hasty", "slow"} {
		response, err := server.Client().Get(server.URL + "/" + name)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || string(got) != name {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}
