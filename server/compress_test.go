package server_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// What is compressed where a client asks for it: JSON, and no feed or attachment.
func TestWhatIsCompressed(t *testing.T) {
	r := start(t)
	r.ok("PUT", "/alpha", "")
	r.ok("PUT", "/alpha/doc", `{"text":"`+strings.Repeat("long ", 500)+`","_attachments":{"a.json":{"content_type":"application/json","data":"`+strings.Repeat("bG9u", 1000)+`"}}}`)
	for i := range 40 {
		r.ok("PUT", "/alpha/"+strings.Repeat("d", 20+i), "{}")
	}
	tests := []struct {
		method, path, header string
		compressed           bool
	}{
		{"GET", "/alpha/doc", "", true},
		{"GET", "/alpha/_all_docs", "", true},
		{"GET", "/alpha/_changes", "", true},
		{"GET", "/alpha/_changes?feed=normal&heartbeat=1000", "", true},
		{"POST", "/alpha/_changes", "", true},
		{"GET", "/alpha/doc?attachments=true", "Accept: application/json", true},
		{"HEAD", "/alpha/doc", "", false},
		{"HEAD", "/alpha/_all_docs", "", false},
		{"GET", "/alpha", "", false},
		{"GET", "/alpha/_changes?feed=longpoll", "", false},
		{"GET", "/alpha/_changes?feed=longpoll&heartbeat=1000", "", false},
		{"GET", "/alpha/_changes?feed=continuous&timeout=10", "", false},
		{"GET", "/alpha/_changes?feed=eventsource&timeout=10", "", false},
		{"GET", "/alpha/doc?attachments=true", "Accept: multipart/related", false},
		{"GET", "/alpha/doc/a.json", "", false},
		{"GET", "/alpha/doc/a.json", "Range: bytes=0-1999", false},
		{"HEAD", "/alpha/doc/a.json", "", false},
	}
	for _, tt := range tests {
		req, err := http.NewRequest(tt.method, r.url+tt.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.SetBasicAuth("admin", "pass")
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Accept-Encoding", "gzip")
		if name, value, ok := strings.Cut(tt.header, ": "); ok {
			req.Header.Set(name, value)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, res.Body); err != nil {
			t.Errorf("%s %s: %v", tt.method, tt.path, err)
		}
		res.Body.Close()
		if got := res.Header.Get("Content-Encoding") == "gzip"; got != tt.compressed || res.StatusCode >= 300 {
			t.Errorf("%s %s: %d, compressed %v", tt.method, tt.path, res.StatusCode, got)
		}
	}
}
