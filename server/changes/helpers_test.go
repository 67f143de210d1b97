package changes_test

import (
	"context"
	"encoding/json"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"settle/server/auth"
	"settle/server/changes"
	"settle/server/functions"
	"settle/server/web"
	"settle/storage/couch"
	"settle/storage/design"
)

var incarnation = couch.Incarnation{1, 2, 3}

// source is a database of changes alone.
type source struct {
	mu      sync.Mutex
	rows    []couch.Change // by sequence
	newest  couch.Seq
	woken   chan struct{}
	dropped bool
	delay   time.Duration // per row that is read

	asked int            // how often for the newest sequence
	after map[int]func() // what happens right after it was asked that often
}

func newSource(ids ...string) *source {
	s := &source{woken: make(chan struct{})}
	for _, id := range ids {
		s.write(id)
	}
	return s
}

// write changes a document.
func (s *source) write(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.newest++
	gen := uint64(1)
	s.rows = slices.DeleteFunc(s.rows, func(c couch.Change) bool {
		if c.ID == couch.DocID(id) {
			gen = c.Revs[0].Gen + 1
		}
		return c.ID == couch.DocID(id)
	})
	s.rows = append(s.rows, couch.Change{Seq: s.newest, ID: couch.DocID(id), Revs: []couch.RevID{{Gen: gen, Hash: "x"}}})
	s.wake()
}

// settle counts an update that changes no document.
func (s *source) settle() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.newest++
	s.wake()
}

func (s *source) drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dropped = true
	s.wake()
}

func (s *source) wake() {
	close(s.woken)
	s.woken = make(chan struct{})
}

func (s *source) Name() string { return "alpha" }

func (s *source) Wait() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.woken
}

func (s *source) UpdateSeq(context.Context) (couch.Seq, error) {
	s.mu.Lock()
	newest, dropped := s.newest, s.dropped
	s.asked++
	after := s.after[s.asked]
	s.mu.Unlock()
	if after != nil {
		after()
	}
	if dropped {
		return 0, couch.ErrDatabaseMissing
	}
	return newest, nil
}

func (s *source) PendingChanges(_ context.Context, since couch.Seq) (n int64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dropped {
		return 0, couch.ErrDatabaseMissing
	}
	for _, c := range s.rows {
		if c.Seq > since {
			n++
		}
	}
	return n, nil
}

func (s *source) Changes(_ context.Context, o couch.ChangesOptions) iter.Seq2[couch.Change, error] {
	return func(yield func(couch.Change, error) bool) {
		s.mu.Lock()
		rows, dropped := slices.Clone(s.rows), s.dropped
		s.mu.Unlock()
		if dropped {
			yield(couch.Change{}, couch.ErrDatabaseMissing)
			return
		}
		if o.Descending {
			slices.Reverse(rows)
		}
		n := 0
		for _, c := range rows {
			time.Sleep(s.delay)
			if c.Seq <= o.Since || o.DocIDs != nil && !slices.Contains(o.DocIDs, c.ID) {
				continue
			}
			if n++; !yield(c, nil) || n == o.Limit {
				return
			}
		}
	}
}

func (s *source) Incarnation() couch.Incarnation { return incarnation }

func (s *source) FormatSeq(n couch.Seq) string { return couch.FormatSeq(n, incarnation) }

func (s *source) ParseSeq(text string, last couch.Seq) (couch.Seq, error) {
	return couch.ParseSeq(text, incarnation, last)
}

func (s *source) Get(_ context.Context, id couch.DocID, _ couch.GetOptions) (*couch.Document, error) {
	return nil, couch.ErrNotFound
}

func (s *source) ReadBlob(context.Context, couch.Attachment, int64, int64) (io.ReadCloser, error) {
	return nil, couch.ErrNotFound
}

// longest is CouchDB's changes_timeout.
func longest() time.Duration { return time.Minute }

// functionEngine runs the functions of all tests; what a test writes none other sees.
// It is there before any test, as one that is made within a bubble of synctest is of no
// use outside.
var functionEngine = design.New(design.Options{Time: time.Minute})

// newHandler serves the feeds of a database to an administrator.
func newHandler(find func(name string) (web.Database, error), draining <-chan struct{}) http.Handler {
	return web.NewHandler(web.Options{
		Authenticate: func(*http.Request) (auth.Session, error) {
			return auth.Session{User: couch.UserCtx{Name: "admin", Roles: []string{couch.AdminRole}}}, nil
		},
		Challenge:    func(*http.Request) string { return "" },
		FindDatabase: func(_ context.Context, name string) (web.Database, error) { return find(name) },
		Limits:       func() couch.Limits { return couch.Limits{} },
		Draining:     draining,
		Detached:     func(run func(context.Context)) { go run(context.Background()) },
		ServerName:   "test",
		Logger:       slog.New(slog.DiscardHandler),
	}, changes.Routes(changes.Options{Longest: longest, Functions: functionEngine, RequestObject: functions.RequestObject}))
}

// client is a feed's client: it remembers what came when.
type client struct {
	t        *testing.T
	handler  http.Handler
	draining chan struct{}
	start    time.Time
}

func newClient(t *testing.T, s *source) *client {
	draining := make(chan struct{})
	h := newHandler(func(string) (web.Database, error) { return s, nil }, draining)
	return &client{t: t, handler: h, draining: draining, start: time.Now()}
}

// answer is an answer that may still be coming.
type answer struct {
	mu sync.Mutex // of what is written
	*httptest.ResponseRecorder
	start   time.Time
	done    chan struct{}
	ended   time.Duration // after the start
	flushed []time.Duration
	cancel  context.CancelFunc
}

func (a *answer) Write(p []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.ResponseRecorder.Write(p)
}

// text is what has come so far.
func (a *answer) text() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.Body.String()
}

// flushes are the times of the flushes so far.
func (a *answer) flushes() []time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.flushed)
}

func (a *answer) Flush() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.flushed = append(a.flushed, time.Since(a.start))
	a.ResponseRecorder.Flush()
}

// get begins a request; a body makes it a POST.
func (c *client) get(query string, body ...string) *answer {
	return c.getBehind("", query, body...)
}

// getBehind is get with more behind the path of the feed.
func (c *client) getBehind(more, query string, body ...string) *answer {
	ctx, cancel := context.WithCancel(c.t.Context())
	target := "/alpha/_changes" + more + "?" + query
	req := httptest.NewRequestWithContext(ctx, "GET", target, nil)
	if len(body) > 0 {
		req = httptest.NewRequestWithContext(ctx, "POST", target, strings.NewReader(body[0]))
		req.Header.Set("Content-Type", "application/json")
	}
	a := &answer{ResponseRecorder: httptest.NewRecorder(), start: time.Now(), done: make(chan struct{}), cancel: cancel}
	go func() {
		defer close(a.done)
		defer func() {
			if cause := recover(); cause != nil && cause != http.ErrAbortHandler {
				panic(cause)
			}
		}()
		c.handler.ServeHTTP(a, req)
		a.ended = time.Since(a.start)
	}()
	return a
}

// result waits for the end of a list of changes.
func (a *answer) result(t *testing.T) (ids string, lastSeq string, pending int64) {
	t.Helper()
	<-a.done
	var got struct {
		Results []struct {
			ID string `json:"id"`
		} `json:"results"`
		LastSeq string `json:"last_seq"`
		Pending *int64 `json:"pending"`
	}
	if err := json.Unmarshal(a.Body.Bytes(), &got); err != nil || got.Pending == nil {
		t.Fatalf("status %d, no list of changes: %v\n%s", a.Code, err, a.Body)
	}
	for _, row := range got.Results {
		ids += row.ID
	}
	number, _, _ := strings.Cut(got.LastSeq, "-")
	return ids, number, *got.Pending
}

// lines are the lines of a continuous feed so far: ids, "." for a heartbeat, and
// the end as "last/pending".
func (a *answer) lines(t *testing.T) string {
	t.Helper()
	var out []string
	for line := range strings.Lines(a.text()) {
		var row struct {
			ID      string `json:"id"`
			LastSeq string `json:"last_seq"`
			Pending int64  `json:"pending"`
		}
		switch {
		case line == "\n":
			out = append(out, ".")
			continue
		case !strings.HasSuffix(line, "\n"):
			t.Errorf("a line without its end: %q", line)
		}
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatalf("line %q: %v", line, err)
		}
		if row.LastSeq != "" {
			number, _, _ := strings.Cut(row.LastSeq, "-")
			b, _ := json.Marshal(row.Pending)
			out = append(out, number+"/"+string(b))
			continue
		}
		out = append(out, row.ID)
	}
	return strings.Join(out, " ")
}
