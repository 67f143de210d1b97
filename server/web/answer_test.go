package web_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"settle/server/web"
	"settle/storage/couch"
)

// answering returns a server with one route, for POST and GET /.
func answering(handler web.Handler) http.Handler {
	return web.NewHandler(options(), []web.Route{
		{Method: "POST", Path: "/", Handler: handler}, {Method: "GET", Path: "/", Handler: handler},
	})
}

// call runs a handler for one request and returns the answer.
func call(handler web.Handler, req *http.Request) (*http.Response, string) {
	rec := httptest.NewRecorder()
	answering(handler).ServeHTTP(rec, req)
	body, _ := io.ReadAll(rec.Result().Body)
	return rec.Result(), string(body)
}

func TestErrorTable(t *testing.T) {
	for kind := couch.Internal; kind <= couch.InvalidField; kind++ {
		status, name, reason := web.Describe(&couch.Error{Kind: kind, Err: errors.New("secret")})
		if status < 400 || name == "" || strings.Contains(reason, "secret") {
			t.Errorf("kind %d: %d %s %s", kind, status, name, reason)
		}
		if (status == 500) != (kind == couch.Internal || kind == couch.Corrupt) {
			t.Errorf("kind %d: status %d; it needs a row of its own", kind, status)
		}
	}
	if _, _, reason := web.Describe(&couch.Error{Kind: couch.Internal, Reason: "/path/of/the/machine"}); reason != "No reason" {
		t.Errorf("an internal error shows %q", reason)
	}
	own := &web.Error{Status: 417, Name: "n", Reason: "r"}
	res, body := call(func(*web.Request) error { return own }, httptest.NewRequest("GET", "/", nil))
	if res.StatusCode != 417 || body != `{"error":"n","reason":"r"}`+"\n" {
		t.Errorf("%d %s", res.StatusCode, body)
	}
}

func gzipped(text string) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write([]byte(text))
	w.Close()
	return b.Bytes()
}

func TestReadBody(t *testing.T) {
	long := strings.Repeat("x", 101) // the limit of a request is 100
	tests := []struct {
		name, encoding string
		body           []byte
		max            int64
		status         int
	}{
		{"empty", "", nil, 10, 200},
		{"at the limit", "", []byte(long[:100]), 100, 200},
		{"beyond the limit", "", []byte(long), 1000, 413},
		{"beyond the handler's limit", "", []byte("12345678901"), 10, 413},
		{"gzip", "gzip", gzipped("hello"), 10, 200},
		{"identity", "identity", []byte("hello"), 10, 200},
		{"gzip that unpacks to the limit", "gzip", gzipped(long[:100]), 1000, 200},
		{"gzip that unpacks to more", "gzip", gzipped(long), 1000, 413},
		{"a bomb", "gzip", gzipped(strings.Repeat(long, 10)), 1000, 413},
		{"no gzip at all", "gzip", []byte("hello"), 10, 400},
		{"cut gzip", "gzip", gzipped("hello")[:20], 10, 400},
		{"unknown encoding", "br", []byte("hello"), 10, 415},
	}
	for _, tt := range tests {
		for _, chunked := range []bool{false, true} {
			req := httptest.NewRequest("POST", "/", bytes.NewReader(tt.body))
			if chunked {
				req.ContentLength = -1
			}
			req.Header.Set("Content-Encoding", tt.encoding)
			res, body := call(func(r *web.Request) error {
				data, err := r.ReadBody(tt.max)
				if err != nil {
					return err
				}
				return r.WriteJSON(200, len(data))
			}, req)
			if res.StatusCode != tt.status {
				t.Errorf("%s, chunked %v: %d %s, want %d", tt.name, chunked, res.StatusCode, body, tt.status)
			}
		}
	}
}

func TestRequireJSON(t *testing.T) {
	for media, status := range map[string]int{
		"application/json": 200, "application/json; charset=utf-8": 200, "Application/JSON;x": 200,
		"": 415, "text/plain": 415, "application/jsonx": 415,
	} {
		req := httptest.NewRequest("POST", "/", nil)
		req.Header.Set("Content-Type", media)
		res, _ := call(func(r *web.Request) error {
			if err := r.RequireJSON(); err != nil {
				return err
			}
			return r.WriteOK(200)
		}, req)
		if res.StatusCode != status {
			t.Errorf("%q: %d", media, res.StatusCode)
		}
	}
}

func TestNotModified(t *testing.T) {
	for header, status := range map[string]int{
		"": 200, `"1-a"`: 304, `W/"1-a"`: 304, `"0-x", "1-a"`: 304, `1-a`: 200, `*`: 200, `"1-b"`: 200,
		`"0-x" "1-a"`: 304, `"0-x" W/"1-a", "0-y"`: 304, `"0-x","1-a"`: 304, `"0-x" "1-b"`: 200,
	} {
		req := httptest.NewRequest("GET", "/", nil)
		req.Header.Set("If-None-Match", header)
		res, body := call(func(r *web.Request) error {
			if r.NotModified("1-a") {
				return nil
			}
			return r.WriteOK(200)
		}, req)
		if res.StatusCode != status || res.Header.Get("ETag") != `"1-a"` || (body == "") != (status == 304) {
			t.Errorf("%s: %d %s", header, res.StatusCode, body)
		}
	}
}

func TestNotModifiedOverSeveralHeaders(t *testing.T) {
	req := httptest.NewRequest("GET", "/", nil)
	req.Header["If-None-Match"] = []string{`"0-x"`, `"1-a"`}
	res, _ := call(func(r *web.Request) error {
		if r.NotModified("1-a") {
			return nil
		}
		return r.WriteOK(200)
	}, req)
	if res.StatusCode != 304 {
		t.Errorf("%d", res.StatusCode)
	}
}

func TestAccepts(t *testing.T) {
	for header, want := range map[string]bool{
		"": true, "*/*": true, "multipart/mixed": true, "application/json": false, "Multipart/Mixed": true,
		"application/json, multipart/mixed": true, "multipart/*": true, "multipart/mixed;q=0": false,
		"multipart/mixed; q=0.0, application/json": false, "multipart/mixed;q=0.5": true, "multipart/related": false,
		"*/*, multipart/mixed;q=0": false, "multipart/mixed;q=0, */*": false, "multipart/*;q=0, */*": false,
		"multipart/*;q=0, multipart/mixed": false, "*/*;q=0, multipart/mixed": true, "*/*, multipart/related;q=0": true,
		"*/*, application/*;q=0.0": true,
	} {
		req := httptest.NewRequest("GET", "/", nil)
		if header != "" {
			req.Header.Set("Accept", header)
		}
		call(func(r *web.Request) error {
			if got := r.Accepts("multipart/mixed"); got != want {
				t.Errorf("%q: %v", header, got)
			}
			return nil
		}, req)
	}
}

func TestLocation(t *testing.T) {
	req := httptest.NewRequest("GET", "http://sync.example:5984/", nil)
	for _, tt := range []struct {
		header, value, want string
	}{
		{"", "", "http://sync.example:5984/a%2Fb/_design%2Fx/%C3%BC%2B%20%25~"},
		{"X-Forwarded-Proto", "https", "https://sync.example:5984/a%2Fb/_design%2Fx/%C3%BC%2B%20%25~"},
		{"X-Forwarded-Ssl", "on", "https://sync.example:5984/a%2Fb/_design%2Fx/%C3%BC%2B%20%25~"},
		{"X-Forwarded-Ssl", "off", "http://sync.example:5984/a%2Fb/_design%2Fx/%C3%BC%2B%20%25~"},
		{"X-Forwarded-Host", "outer", "http://outer/a%2Fb/_design%2Fx/%C3%BC%2B%20%25~"},
	} {
		req := req.Clone(t.Context())
		req.Header.Set(tt.header, tt.value)
		res, _ := call(func(r *web.Request) error {
			r.SetLocation("a/b", "_design/x", "ü+ %~")
			return r.WriteOK(201)
		}, req)
		want := strings.ReplaceAll(tt.want, "~", "%7E")
		if got := res.Header.Get("Location"); got != want {
			t.Errorf("%s: %s, want %s", tt.header, got, want)
		}
	}
}

func TestListHoldsErrorsBack(t *testing.T) {
	list := func(items int, fail bool) web.Handler {
		return func(r *web.Request) error {
			l := r.NewList(`{"rows":[`, ",")
			l.SetStatus(201)
			for range items {
				if err := l.Item([]byte("12345678")); err != nil {
					return err
				}
			}
			if fail {
				return couch.ErrConflict
			}
			return l.Close("]}\n")
		}
	}
	get := func() *http.Request { return httptest.NewRequest("GET", "/", nil) }
	if res, body := call(list(2, false), get()); res.StatusCode != 201 || body != "{\"rows\":[12345678,12345678]}\n" {
		t.Errorf("%d %s", res.StatusCode, body)
	}
	if res, body := call(list(0, false), get()); res.StatusCode != 201 || body != "{\"rows\":[]}\n" {
		t.Errorf("%d %s", res.StatusCode, body)
	}
	if res, body := call(list(100, true), get()); res.StatusCode != 409 || !strings.HasPrefix(body, `{"error":"conflict"`) {
		t.Errorf("an early error: %d %s", res.StatusCode, body)
	}
	server := httptest.NewServer(answering(list(10_000, true)))
	defer server.Close()
	for _, encoding := range []string{"identity", "gzip"} {
		req, _ := http.NewRequest("GET", server.URL, nil)
		req.Header.Set("Accept-Encoding", encoding)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			continue // cut before its header
		}
		if err := readAnswer(res); err == nil {
			t.Errorf("%s: an answer that was cut looks whole", encoding)
		}
	}
}

// readAnswer reads an answer to its end and unpacks it.
func readAnswer(res *http.Response) error {
	defer res.Body.Close()
	var body io.Reader = res.Body
	if res.Header.Get("Content-Encoding") == "gzip" {
		unpacked, err := gzip.NewReader(body)
		if err != nil {
			return err
		}
		body = unpacked
	}
	_, err := io.Copy(io.Discard, body)
	return err
}
