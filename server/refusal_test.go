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

func TestUnreadableRequestsAreRefusedInJSON(t *testing.T) {
	r := start(t)
	const badURL, malformed = "invalid_url_encoding", "The request line or a header is malformed."
	host := " HTTP/1.1\r\nHost: x\r\n"
	tests := []struct {
		raw          string
		status       int
		name, reason string
	}{
		{"GET /alpha/co%zzpy" + host, 400, "bad_request", badURL},
		{"GET /%" + host, 400, "bad_request", badURL},
		{"GET /%41%4" + host, 400, "bad_request", badURL},
		{"GET nonsense" + host, 400, "bad_request", malformed},
		{"nonsense\r\n", 400, "bad_request", malformed},
		{"GET /?a=%zz HTTP/1\r\nHost: x\r\n", 400, "bad_request", malformed},
		{"GET /_up" + host + "Content-Length: 1\r\nContent-Length: 2\r\n", 400, "bad_request", malformed},
		{"GET /_up HTTP/1.1\r\n", 400, "bad_request", "missing required Host header"},
		{"GET /_up" + host + "a: b\x00\r\n", 400, "bad_request", malformed},
		{"GET /_up" + host + "a: " + strings.Repeat("x", 266<<10) + "\r\n", 431, "too_large", "The request's header is too large."},
		{"GET /_up" + host + "Transfer-Encoding: foo\r\n", 501, "not_implemented", "Unsupported Transfer-Encoding."},
		{"GET /_up HTTP/9.9\r\nHost: x\r\n", 505, "http_version_not_supported", "This server speaks HTTP/1.1 and HTTP/2."},
	}
	for _, tt := range tests {
		label := tt.raw[:min(len(tt.raw), 60)]
		conn, answers := dial(t, r)
		exchange(t, conn, answers, "GET /_up HTTP/1.1\r\nHost: x\r\n\r\n") // not the first request of the connection
		res, body := exchange(t, conn, answers, tt.raw+"\r\n")
		var got struct{ Error, Reason string }
		if err := json.Unmarshal([]byte(body), &got); err != nil || !strings.HasSuffix(body, "}\n") {
			t.Errorf("%q: %q %v", label, body, err)
		}
		if res.StatusCode != tt.status || got.Error != tt.name || got.Reason != tt.reason {
			t.Errorf("%q: %d %s, want %d %s %s", label, res.StatusCode, body, tt.status, tt.name, tt.reason)
		}
		if res.Header.Get("Content-Type") != "application/json" || res.Header.Get("Server") != "CouchDB/3.5.0 (settle)" || !res.Close {
			t.Errorf("%q: %v", label, res.Header)
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
