package remote_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"settle/replication"
	"settle/replication/remote"
	"settle/storage/couch"
)

// guarded is a peer that gives cookies, numbered, and takes those of the numbers from
// valid on.
type guarded struct {
	*httptest.Server
	mu      sync.Mutex
	valid   int
	given   int
	maxAge  int               // of a cookie, in seconds; 0: not told
	renews  bool              // every answer brings a new cookie
	refuses bool              // every document
	asked   int               // but for log-ins
	hold    func(path string) // called with each request, before it is answered; may be nil
}

func newGuarded(t *testing.T) *guarded {
	g := new(guarded)
	g.Server = httptest.NewServer(g)
	t.Cleanup(g.Close)
	return g
}

func (g *guarded) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	io.Copy(io.Discard, r.Body)
	if g.hold != nil {
		g.hold(r.URL.Path)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	give := func() {
		g.given++
		http.SetCookie(w, &http.Cookie{Name: "AuthSession", Value: fmt.Sprint(g.given), MaxAge: g.maxAge})
	}
	if r.URL.Path == "/_session" {
		give()
		return
	}
	g.asked++
	var number int
	if c, err := r.Cookie("AuthSession"); err == nil {
		fmt.Sscan(c.Value, &number)
	}
	if number < max(g.valid, 1) || g.refuses && r.Method == http.MethodPut {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if g.renews {
		give()
	}
	w.Write([]byte(`{"db_name":"db","update_seq":"0","instance_start_time":"0"}`))
}

func (g *guarded) open(t *testing.T) *remote.Remote {
	t.Helper()
	u, err := url.Parse(g.URL)
	if err != nil {
		t.Fatal(err)
	}
	u.User, u.Path = url.UserPassword("u", "p"), "/db"
	spec, err := replication.ParseSpec([]byte(`{"source":"`+u.String()+`","target":"x"}`), replication.StandardTuning())
	if err != nil {
		t.Fatal(err)
	}
	r, err := remote.New(&spec.Source, remote.Options{Guard: remote.OpenGuard(), Timeout: time.Minute, Connections: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

// Sessions are asked for once, renewed before they end, taken over where a peer renews
// them, and asked for again where it takes one no more.
func TestSessions(t *testing.T) {
	for _, tt := range []struct {
		name   string
		maxAge int
		renews bool
		ends   bool // the peer forgets its sessions after the first request
		pause  time.Duration
		given  int
	}{
		{"one for all", 600, false, false, 0, 1},
		{"of unknown age", 0, false, false, 0, 1},
		{"old", 1, false, false, time.Second, 3},
		{"renewed", 600, true, false, 0, 4},
		{"forgotten", 600, false, true, 0, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := newGuarded(t)
			g.maxAge, g.renews = tt.maxAge, tt.renews
			r := g.open(t)
			for range 3 {
				if _, err := r.Open(t.Context()); err != nil {
					t.Fatal(err)
				}
				g.mu.Lock()
				if tt.ends && g.valid == 0 {
					g.valid = g.given + 1
				}
				g.mu.Unlock()
				time.Sleep(tt.pause)
			}
			if g.given != tt.given {
				t.Errorf("%d sessions were given", g.given)
			}
		})
	}
}

// one yields a revision with a content.
func one(id couch.DocID) iter.Seq2[*replication.Revision, error] {
	return func(yield func(*replication.Revision, error) bool) {
		doc := &couch.Document{
			ID: id, Revisions: couch.PathTo(couch.RevID{Gen: 1, Hash: "a"}), Body: couch.Body{Text: []byte("{}")},
			Attachments: []couch.Attachment{{Name: "body", ContentType: "text/plain", Length: 5, RevPos: 1}},
		}
		open := func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("hello")), nil }
		yield(&replication.Revision{Doc: doc, Contents: []replication.Content{{Length: 5, Open: open}}}, nil)
	}
}

// A peer that has forgotten its sessions, or will not have a document, answers the same to
// a document with contents, which cannot be sent again at once: only the second is for good.
func TestForgottenSessionRefusesNoDocument(t *testing.T) {
	for _, refuses := range []bool{false, true} {
		g := newGuarded(t)
		r := g.open(t)
		if _, err := r.Open(t.Context()); err != nil {
			t.Fatal(err)
		}
		g.mu.Lock()
		g.valid, g.refuses = g.given+1, refuses
		g.mu.Unlock()
		if results, err := r.Write(context.Background(), one("a")); !errors.Is(err, &replication.Error{Kind: replication.Failed}) {
			t.Errorf("at first: %v, %v", results, err)
		}
		results, err := r.Write(context.Background(), one("a"))
		if err != nil || len(results) != 1 || (results[0].Err != nil) != refuses {
			t.Errorf("it refuses: %v; then: %v, %v", refuses, results, err)
		}
	}
}

// A refusal that comes late, with a cookie that another request has found to be stale
// meanwhile, is not for good either.
func TestLateRefusal(t *testing.T) {
	g := newGuarded(t)
	arrived, release := make(chan struct{}), make(chan struct{})
	g.hold = func(path string) {
		if path == "/db/late" {
			close(arrived)
			<-release
		}
	}
	r := g.open(t)
	if _, err := r.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	g.valid = g.given + 1
	late := make(chan error, 1)
	go func() {
		_, err := r.Write(context.Background(), one("late"))
		late <- err
	}()
	<-arrived
	failed := &replication.Error{Kind: replication.Failed}
	if _, err := r.Write(context.Background(), one("early")); !errors.Is(err, failed) {
		t.Errorf("the first refusal: %v", err)
	}
	close(release)
	if err := <-late; !errors.Is(err, failed) {
		t.Errorf("the late one: %v", err)
	}
}

// A redirect counts for other requests until the place that it leads to fails, or leads
// back.
func TestMovedAndBack(t *testing.T) {
	var away, there int
	isAway := true
	answer := func(w http.ResponseWriter) {
		w.Write([]byte(`{"db_name":"db","update_seq":"0","instance_start_time":"0"}`))
	}
	var front *httptest.Server
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		there++
		if !isAway {
			http.Redirect(w, r, front.URL+r.URL.Path, http.StatusFound)
			return
		}
		answer(w)
	}))
	defer other.Close()
	front = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isAway {
			away++
			http.Redirect(w, r, other.URL+r.URL.Path, http.StatusFound)
			return
		}
		answer(w)
	}))
	defer front.Close()
	spec, err := replication.ParseSpec([]byte(`{"source":"`+front.URL+`/db","target":"x"}`), replication.StandardTuning())
	if err != nil {
		t.Fatal(err)
	}
	r, err := remote.New(&spec.Source, remote.Options{Guard: remote.OpenGuard(), Timeout: time.Minute, Connections: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	open := func() {
		t.Helper()
		if _, err := r.Open(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	open()
	open()
	if away != 1 || there != 2 {
		t.Errorf("while it has moved: %d redirects, %d answers", away, there)
	}
	isAway = false
	open()
	open()
	if there != 3 {
		t.Errorf("once it is back: %d requests to the other place", there)
	}
}
