package web_test

import (
	"bufio"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	"settle/server/web"
	"settle/storage/couch"
)

// longJSON and shortJSON lie on both sides of what is compressed.
var (
	longJSON  = `"` + strings.Repeat("x", 1500) + `"`
	shortJSON = `"` + strings.Repeat("x", 500) + `"`
)

// unpack returns a body without its gzip, which it must have where packed is true.
func unpack(t *testing.T, res *http.Response, packed bool) string {
	t.Helper()
	if got := res.Header.Get("Content-Encoding"); (got == "gzip") != packed {
		t.Errorf("Content-Encoding %q", got)
	}
	body := io.Reader(res.Body)
	if packed {
		unpacked, err := gzip.NewReader(body)
		if err != nil {
			t.Fatal(err)
		}
		body = unpacked
	}
	text, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestCompressedAnswers(t *testing.T) {
	raw := func(text string) web.Handler {
		return func(r *web.Request) error { return r.WriteRawJSON(201, []byte(text)) }
	}
	list := func(text string) web.Handler {
		return func(r *web.Request) error {
			l := r.NewList("[", ",")
			l.SetStatus(201)
			if err := l.Item([]byte(text)); err != nil {
				return err
			}
			return l.Close("]")
		}
	}
	value := func(v any) web.Handler {
		return func(r *web.Request) error { return r.WriteJSON(201, v) }
	}
	attachment := func(r *web.Request) error {
		r.Response.Header().Set("Content-Type", "application/json")
		r.Response.WriteHeader(201)
		_, err := io.WriteString(r.Response, longJSON)
		return err
	}
	tests := []struct {
		name, method, accept string
		handler              web.Handler
		packed, vary         bool
		body                 string
	}{
		{"long", "GET", "gzip", raw(longJSON), true, true, longJSON + "\n"},
		{"long POST", "POST", "deflate, GZIP;q=0.5", raw(longJSON), true, true, longJSON + "\n"},
		{"long value", "GET", "gzip", value(longJSON[1 : len(longJSON)-1]), true, true, longJSON + "\n"},
		{"long list", "GET", "br, gzip", list(longJSON), true, true, "[" + longJSON + "]"},
		{"short", "GET", "gzip", raw(shortJSON), false, false, shortJSON + "\n"},
		{"short list", "GET", "gzip", list(shortJSON), false, true, "[" + shortJSON + "]"},
		{"not asked for", "GET", "", raw(longJSON), false, true, longJSON + "\n"},
		{"refused", "GET", "gzip;q=0, *", raw(longJSON), false, true, longJSON + "\n"},
		{"other encodings", "GET", "br, deflate, xgzip", list(longJSON), false, true, "[" + longJSON + "]"},
		{"HEAD", "HEAD", "gzip", raw(longJSON), false, true, ""},
		{"content of a client's", "GET", "gzip", attachment, false, false, longJSON},
	}
	for _, tt := range tests {
		server := httptest.NewServer(answering(tt.handler))
		req, _ := http.NewRequest(tt.method, server.URL, nil)
		req.Header.Set("Accept-Encoding", tt.accept)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body := unpack(t, res, tt.packed)
		if res.StatusCode != 201 || body != tt.body {
			t.Errorf("%s: %d %q", tt.name, res.StatusCode, body)
		}
		if got := res.Header.Get("Vary"); (got == "Accept-Encoding") != tt.vary {
			t.Errorf("%s: Vary %q", tt.name, got)
		}
		if length := res.Header.Get("Content-Length"); tt.packed && length == strconv.Itoa(len(tt.body)) {
			t.Errorf("%s: the length %s is that of the plain body", tt.name, length)
		}
		server.Close()
	}
}

func TestETagOfCompressedAnswers(t *testing.T) {
	handler := func(r *web.Request) error {
		if r.NotModified("1-abc") {
			return nil
		}
		return r.WriteRawJSON(200, []byte(longJSON))
	}
	req := httptest.NewRequest("GET", "/", nil)
	req.Header.Set("Accept-Encoding", "gzip")
	res, _ := call(handler, req)
	if res.Header.Get("ETag") != `"1-abc"` || res.Header.Get("Content-Encoding") != "gzip" {
		t.Errorf("%v", res.Header)
	}
	req.Header.Set("If-None-Match", `"1-abc"`)
	res, body := call(handler, req)
	if res.StatusCode != 304 || body != "" || res.Header.Get("Content-Encoding") != "" {
		t.Errorf("%d %q %v", res.StatusCode, body, res.Header)
	}
}

// What a handler flushes reaches a client that waits for it.
func TestCompressedAnswersAreFlushed(t *testing.T) {
	next := make(chan bool)
	server := httptest.NewServer(answering(func(r *web.Request) error {
		l := r.NewList("", "\n")
		for range next {
			if err := l.Item([]byte("12345678")); err != nil {
				return err
			}
			if err := l.Flush(); err != nil {
				return err
			}
		}
		return l.Close("\n")
	}))
	defer server.Close()
	req, _ := http.NewRequest("GET", server.URL, nil)
	req.Header.Set("Accept-Encoding", "gzip")
	go func() { next <- true }()
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	unpacked, err := gzip.NewReader(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(unpacked)
	first := make([]byte, 8)
	if _, err := io.ReadFull(lines, first); err != nil || string(first) != "12345678" {
		t.Fatalf("%q %v", first, err)
	}
	next <- true
	second := make([]byte, 9)
	if _, err := io.ReadFull(lines, second); err != nil || string(second) != "\n12345678" {
		t.Fatalf("%q %v", second, err)
	}
	close(next)
	if rest, err := io.ReadAll(lines); err != nil || string(rest) != "\n" {
		t.Errorf("%q %v", rest, err)
	}
}

// An error behind an answer that was begun, but not sent, is told whole.
func TestErrorsOfCompressedAnswers(t *testing.T) {
	long := &couch.Error{Kind: couch.Conflict, Reason: strings.Repeat("x", 2000)}
	req := httptest.NewRequest("GET", "/", nil)
	req.Header.Set("Accept-Encoding", "gzip")
	for name, err := range map[string]error{"long": long, "short": couch.ErrConflict, "internal": errors.New("x")} {
		res, _ := call(func(r *web.Request) error {
			r.CompressAnswer()
			return err
		}, req)
		status, _, _ := web.Describe(err)
		if res.StatusCode != status || (res.Header.Get("Content-Encoding") == "gzip") != (name == "long") {
			t.Errorf("%s: %d %v", name, res.StatusCode, res.Header)
		}
	}
}

// More answers at a time than there are compressors are whole, too.
func TestManyCompressedAnswers(t *testing.T) {
	var begun sync.WaitGroup
	begun.Add(100)
	server := httptest.NewServer(answering(func(r *web.Request) error {
		l := r.NewList("", "")
		if err := l.Item([]byte(longJSON)); err != nil {
			return err
		}
		if err := l.Flush(); err != nil {
			return err
		}
		begun.Done()
		begun.Wait()
		return l.Close(longJSON)
	}))
	defer server.Close()
	var clients sync.WaitGroup
	for range 100 {
		clients.Go(func() {
			res, err := http.Get(server.URL) // it asks for gzip by itself
			if err != nil {
				t.Error(err)
				return
			}
			defer res.Body.Close()
			if text, err := io.ReadAll(res.Body); err != nil || string(text) != longJSON+longJSON {
				t.Errorf("%q %v", text, err)
			}
		})
	}
	clients.Wait()
}

func BenchmarkCompressedAnswer(b *testing.B) {
	text := []byte(`{"rows":[` + strings.Repeat(`{"id":"0123456789","key":"0123456789","value":{"rev":"1-967a00dff5e02add41819138abb3284d"}},`, 1000) + `{}]}`)
	handler := answering(func(r *web.Request) error { return r.WriteRawJSON(200, text) })
	for _, accept := range []string{"identity", "gzip"} {
		b.Run(accept, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				req := httptest.NewRequest("GET", "/", nil)
				req.Header.Set("Accept-Encoding", accept)
				handler.ServeHTTP(httptest.NewRecorder(), req)
			}
		})
	}
}
