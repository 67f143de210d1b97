package server_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// exchange sends raw bytes on a connection and reads one answer.
func exchange(t *testing.T, conn net.Conn, answers *bufio.Reader, raw string) (*http.Response, string) {
	t.Helper()
	if _, err := io.WriteString(conn, raw); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(answers, nil)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(body)
}

func dial(t *testing.T, r *running) (net.Conn, *bufio.Reader) {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn, bufio.NewReader(conn)
}

func TestUnreadablePathsAreRefusedInJSON(t *testing.T) {
	r := start(t)
	for _, path := range []string{"/alpha/co%zzpy", "/%", "nonsense"} {
		conn, answers := dial(t, r)
		exchange(t, conn, answers, "GET /_up HTTP/1.1\r\nHost: x\r\n\r\n") // not the first request of the connection
		res, body := exchange(t, conn, answers, "GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n")
		if res.StatusCode != 400 || body != `{"error":"bad_request","reason":"invalid_url_encoding"}`+"\n" {
			t.Errorf("%s: %d %s", path, res.StatusCode, body)
		}
		if res.Header.Get("Content-Type") != "application/json" || res.Header.Get("Server") != "CouchDB/3.5.0 (settle)" {
			t.Errorf("%s: %v", path, res.Header)
		}
	}
}

// An attachment may hold the very bytes that net/http refuses requests with.
func TestContentIsNotTakenForARefusal(t *testing.T) {
	r := start(t)
	r.ok("PUT", "/alpha", "")
	refusal := "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n400 Bad Request"
	text := strings.Repeat(refusal, 3000)
	var put struct{ Rev string }
	if err := json.Unmarshal([]byte(r.ok("PUT", "/alpha/doc/a", text)), &put); err != nil {
		t.Fatal(err)
	}
	r.ok("PUT", "/alpha/doc/b?rev="+put.Rev, refusal)
	if r.ok("GET", "/alpha/doc/a", "") != text || r.ok("GET", "/alpha/doc/b", "") != refusal {
		t.Error("the attachment has changed on the way")
	}
}
