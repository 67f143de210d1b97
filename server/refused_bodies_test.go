package server_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// writeFirst sends a whole request over a connection of its own before it reads
// anything, as many clients do, and returns status and body of the answer.
func (r *running) writeFirst(method, path, password, contentType string, body io.Reader, length int) (int, string, error) {
	r.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
	if err != nil {
		r.t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(time.Minute))
	req, err := http.NewRequest(method, r.url+path, body)
	if err != nil {
		r.t.Fatal(err)
	}
	req.SetBasicAuth("admin", password)
	req.Header.Set("Content-Type", contentType)
	req.ContentLength = int64(length)
	if err := req.Write(conn); err != nil {
		return 0, "", fmt.Errorf("writing: %w", err)
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), req)
	if err != nil {
		return 0, "", fmt.Errorf("reading: %w", err)
	}
	text, err := io.ReadAll(res.Body)
	return res.StatusCode, string(text), err
}

// A client that writes all of a large body before it reads sees why it is refused.
func TestRefusalOfLargeBodies(t *testing.T) {
	const size = 20 << 20
	long := strings.Repeat("x", size)
	tests := []struct {
		name, method, path, contentType, password string
		section, key, value                       string
		body                                      string
		length                                    int // 0: that of the body; -1: it goes in chunks
		status                                    int
		reason                                    string
	}{
		{name: "document", method: "PUT", path: "/alpha/new", section: "couchdb", key: "max_document_size", value: "4000",
			body: `{"text":"` + long + `"}`, status: 413, reason: `"document_too_large"`},
		{name: "attachment", method: "PUT", path: "/alpha/new/a", contentType: "text/plain", section: "couchdb", key: "max_attachment_size", value: "4000",
			body: long, status: 413, reason: `"attachment_too_large"`},
		{name: "batch", method: "POST", path: "/alpha/_bulk_docs", section: "couchdb", key: "max_document_size", value: "4000",
			body: `{"docs":[{"_id":"new","text":"` + long + `"}]}`, status: 413, reason: `"document_too_large"`},
		{name: "request", method: "POST", path: "/alpha/_bulk_docs", section: "chttpd", key: "max_http_request_size", value: "4000",
			body: long, status: 413, reason: `"too_large"`},
		{name: "in chunks", method: "PUT", path: "/alpha/new/a", section: "chttpd", key: "max_http_request_size", value: "4000",
			body: long, length: -1, status: 413, reason: `"too_large"`},
		{name: "conflict", method: "PUT", path: "/alpha/doc/a?rev=1-0", contentType: "text/plain", body: long, status: 409, reason: `"missing_rev"`},
		{name: "no database", method: "POST", path: "/beta/_bulk_docs", body: long, status: 404, reason: `"Database does not exist."`},
		{name: "wrong password", method: "PUT", path: "/alpha/new", password: "wrong", body: long, status: 401, reason: `"unauthorized"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := start(t)
			r.ok("PUT", "/alpha", "")
			r.ok("PUT", "/alpha/doc", `{}`)
			if tt.key != "" {
				r.ok("PUT", "/_node/_local/_config/"+tt.section+"/"+tt.key, `"`+tt.value+`"`)
			}
			if tt.password == "" {
				tt.password = "pass"
			}
			if tt.contentType == "" {
				tt.contentType = "application/json"
			}
			if tt.length == 0 {
				tt.length = len(tt.body)
			}
			status, text, err := r.writeFirst(tt.method, tt.path, tt.password, tt.contentType, strings.NewReader(tt.body), tt.length)
			if err != nil || status != tt.status || !strings.Contains(text, tt.reason) {
				t.Errorf("%d %s %v, want %d %s", status, text, err, tt.status, tt.reason)
			}
		})
	}
}
