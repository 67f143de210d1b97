package server_test

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"settle/server"
	"settle/server/web"
)

// errorCount counts what is logged as an error; the server logs panics so, and
// requests that failed by its fault.
type errorCount struct {
	slog.Handler
	n    *atomic.Int32
	last *atomic.Value
}

// Handle counts a record.
func (h errorCount) Handle(_ context.Context, record slog.Record) error {
	if record.Level >= slog.LevelError {
		h.n.Add(1)
		text := record.Message
		record.Attrs(func(a slog.Attr) bool { text += " " + a.String(); return true })
		h.last.Store(text)
	}
	return nil
}

// Enabled takes every record.
func (errorCount) Enabled(context.Context, slog.Level) bool { return true }

// trial sends requests to a server and watches what they do.
type trial struct {
	*running
	errors errorCount
	before string // the contents
}

func newTrial(t *testing.T) *trial {
	tr := &trial{errors: errorCount{slog.DiscardHandler, new(atomic.Int32), new(atomic.Value)}}
	tr.running = startWith(t, startOptions{logger: slog.New(tr.errors)})
	tr.prepare()
	return tr
}

// prepare makes the databases that are not there, and the contents that requests
// find in them.
func (tr *trial) prepare() {
	for _, name := range []string{"alpha", "beta", "a%2Fb"} {
		if strings.Contains(tr.get("/"+name), `"db_name"`) {
			continue
		}
		tr.send("PUT", "/"+name, nil).Body.Close()
		tr.send("PUT", "/"+name+"/doc", strings.NewReader(`{"_attachments":{"a":{"data":"aGVsbG8="}}}`)).Body.Close()
		tr.send("PUT", "/"+name+"/_local/doc", strings.NewReader(`{"a":1}`)).Body.Close()
		tr.send("PUT", "/"+name+"/_design/doc", strings.NewReader(`{"a":1}`)).Body.Close()
	}
	tr.before = tr.contents()
}

// patience is how long a request may wait, so that feeds end.
const patience = 20 * time.Millisecond

// try sends one request. It fails the test on a 5xx, a panic, an answer that is
// cut or no JSON, and on a change by a request that was refused or only reads.
func (tr *trial) try(req *http.Request) (answer string) {
	tr.t.Helper()
	ctx, cancel := context.WithTimeout(tr.t.Context(), patience)
	defer cancel()
	rec := httptest.NewRecorder()
	cut := serveRecovered(tr.Handler(), rec, req.WithContext(ctx))
	answer = unpacked(rec)
	if cut && ctx.Err() == nil {
		tr.t.Errorf("the answer was cut: %d %.300s", rec.Code, answer)
	}
	if !cut {
		if problem := badAnswer(req, rec, answer); problem != "" {
			tr.t.Errorf("%s: %d %.300s", problem, rec.Code, answer)
		}
	}
	if n := tr.errors.n.Swap(0); n > 0 {
		tr.t.Errorf("logged: %v", tr.errors.last.Load())
	}
	after := tr.contents()
	reads := (req.Method == "GET" || req.Method == "HEAD") && req.Header.Get("X-HTTP-Method-Override") == ""
	if after != tr.before && (rec.Code >= 400 && !cut || reads) {
		tr.t.Errorf("%d %.300s, but there is a change:\n%s\n%s", rec.Code, answer, tr.before, after)
	}
	tr.before = after
	return answer
}

// serveRecovered reports whether the handler cut the connection.
func serveRecovered(h http.Handler, w http.ResponseWriter, req *http.Request) (cut bool) {
	defer func() {
		if cause := recover(); cause != nil {
			if cause != http.ErrAbortHandler {
				panic(cause)
			}
			cut = true
		}
	}()
	h.ServeHTTP(w, req)
	return false
}

func unpacked(rec *httptest.ResponseRecorder) string {
	if rec.Header().Get("Content-Encoding") != "gzip" {
		return rec.Body.String()
	}
	z, err := gzip.NewReader(rec.Body)
	if err != nil {
		return err.Error()
	}
	text, _ := io.ReadAll(z) // what was cut ends early
	return string(text)
}

// badAnswer says what is wrong with an answer, "" for nothing.
func badAnswer(req *http.Request, rec *httptest.ResponseRecorder, text string) string {
	if rec.Code >= 500 && rec.Code != http.StatusNotImplemented && rec.Code != http.StatusServiceUnavailable {
		return "a server error"
	}
	if rec.Code < 400 || rec.Code == http.StatusExpectationFailed || req.Method == "HEAD" {
		return ""
	}
	var refusal struct{ Error, Reason *string }
	if err := json.Unmarshal([]byte(text), &refusal); err != nil {
		return "the refusal is no JSON"
	}
	if refusal.Error == nil && !strings.HasPrefix(req.URL.Path, "/_up") {
		return "the refusal has no error"
	}
	return ""
}

// runRequests sends the requests that the bytes stand for, one after another.
func runRequests(t *testing.T, bytes []byte, most int) {
	tr := newTrial(t)
	q := &requests{choices: &choices{bytes}, routes: weighed(server.Routes(tr.options))}
	for range most {
		if !q.left() {
			return
		}
		req := q.request()
		q.learn(tr.try(req))
		if req.Method == "DELETE" || req.Method == "POST" { // it may have deleted a database
			tr.prepare()
		}
		if t.Failed() {
			t.Fatalf("%s %s %v", req.Method, req.RequestURI, req.Header)
		}
	}
}

// weighed lists the routes of documents, and what reads many of them, three times.
func weighed(routes []web.Route) []web.Route {
	list := routes
	for _, route := range routes {
		for _, part := range []string{"/:doc", "/_bulk_", "/_changes", "/_all_docs", "/_revs_diff", "/_design/", "/_purge"} {
			if strings.Contains(route.Path, part) {
				list = append(list, route, route)
			}
		}
	}
	return list
}

// Random requests to every handler: no 500, no panic, and nothing changes by a
// request that is refused.
func TestRandomRequests(t *testing.T) {
	seed := rand.Uint64()
	for i := range uint64(10) {
		t.Run(fmt.Sprintf("seed %d,%d", seed, i), func(t *testing.T) {
			source := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), byte(seed >> 16), byte(seed >> 24), byte(i)})
			bytes := make([]byte, 16<<10)
			source.Read(bytes)
			runRequests(t, bytes, 300)
		})
	}
}

func FuzzRequests(f *testing.F) {
	for i := range byte(4) {
		bytes := make([]byte, 1<<10)
		rand.NewChaCha8([32]byte{i}).Read(bytes)
		f.Add(bytes)
	}
	f.Fuzz(func(t *testing.T, bytes []byte) { runRequests(t, bytes, 50) })
}
