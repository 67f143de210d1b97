package remote_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"settle/replication"
	"settle/replication/remote"
	"settle/storage/couch"
)

var errFailed = &replication.Error{Kind: replication.Failed}

// peer returns the database of a server that answers so.
func peer(t *testing.T, answer http.HandlerFunc) *remote.Remote {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	spec, err := replication.ParseSpec([]byte(`{"source":"`+server.URL+`/db","target":"x"}`), replication.StandardTuning())
	if err != nil {
		t.Fatal(err)
	}
	r, err := remote.New(&spec.Source, remote.Options{Guard: remote.OpenGuard(), Timeout: time.Minute, Connections: 2, MaxAnswer: 1 << 20, UseBulkGet: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

// A checkpoint goes over one that is not known, once: a peer may refuse it as often as it
// is sent.
func TestCheckpointRefused(t *testing.T) {
	for _, refuses := range []int64{1, 2, 1000} {
		var puts atomic.Int64
		r := peer(t, func(w http.ResponseWriter, req *http.Request) {
			io.Copy(io.Discard, req.Body)
			w.Header().Set("Content-Type", "application/json")
			if req.Method == http.MethodPut && puts.Add(1) <= refuses {
				w.WriteHeader(http.StatusConflict)
				return
			}
			fmt.Fprintf(w, `{"_id":"_local/one","_rev":"0-%d","rev":"0-9"}`, puts.Load())
		})
		c := new(replication.Checkpoint)
		err := r.PutCheckpoint(t.Context(), "one", c)
		if refuses == 1 && (err != nil || c.Rev != "0-9") || refuses > 1 && !errors.Is(err, errFailed) || puts.Load() != 2 {
			t.Errorf("refused %d times: %v, after %d", refuses, err, puts.Load())
		}
	}
}

// What a peer sends without end, and has to be held in memory, is not read to its end.
func TestEndlessAnswers(t *testing.T) {
	const most = 200 << 20
	changes := func(wait bool) func(*testing.T, *remote.Remote) error {
		return func(t *testing.T, r *remote.Remote) error {
			for _, err := range r.Changes(t.Context(), replication.Feed{Since: "0", Wait: wait}) {
				return err
			}
			return nil
		}
	}
	for _, tt := range []struct {
		name, head string
		ask        func(*testing.T, *remote.Remote) error
	}{
		{"a row of a feed", `{"results":[{"seq":"1","id":"`, changes(false)},
		{"a row of a feed that waits", `{"seq":"1","id":"`, changes(true)},
		{"what stands behind the rows", `{"results":[],"last_seq":"`, changes(false)},
		{"the description of a database", `{"db_name":"`, func(t *testing.T, r *remote.Remote) error {
			_, err := r.Open(t.Context())
			return err
		}},
		{"refusals of a batch", `[{"id":"`, func(t *testing.T, r *remote.Remote) error {
			_, err := r.Write(t.Context(), func(yield func(*replication.Revision, error) bool) {
				yield(&replication.Revision{Doc: &couch.Document{ID: "a", Revisions: couch.PathTo(couch.RevID{Gen: 1, Hash: "a"})}}, nil)
			})
			return err
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			sent := make(chan int64, 1)
			r := peer(t, func(w http.ResponseWriter, req *http.Request) {
				io.Copy(io.Discard, req.Body)
				w.Header().Set("Content-Type", "application/json")
				io.WriteString(w, tt.head)
				piece, n := strings.Repeat("x", 1<<16), 0
				for err := error(nil); err == nil && n < most; n += len(piece) {
					_, err = io.WriteString(w, piece)
				}
				sent <- int64(n)
			})
			if err := tt.ask(t, r); !errors.Is(err, errFailed) {
				t.Errorf("%v", err)
			}
			if n := <-sent; n >= most {
				t.Errorf("all %d bytes were taken", n)
			}
		})
	}
}

// Documents that come with their contents obey the same rules as others: one that breaks
// those of documents is refused, and one that does not say what it is is none.
func TestDocumentsWithContents(t *testing.T) {
	const answer = "--a\r\nContent-Type: multipart/related; boundary=b\r\n\r\n" +
		"--b\r\nContent-Type: application/json\r\n\r\n" + `{%s,"_attachments":{"a":{"follows":true,"length":5,"content_type":"text/plain","revpos":1}}}` +
		"\r\n--b\r\n\r\nhello\r\n--b--\r\n--a--"
	const revs = `"_revisions":{"start":1,"ids":["aa"]}`
	for _, tt := range []struct {
		doc     string
		refused bool
		err     error
	}{
		{`"_id":"x",` + revs, false, nil},
		{`"_id":"_x",` + revs, true, nil},
		{`"_id":"x","_strange":1,` + revs, true, nil},
		{revs, false, errFailed},
		{`"_id":"x"`, false, errFailed},
	} {
		r := peer(t, func(w http.ResponseWriter, req *http.Request) {
			w.Header().Set("Content-Type", "multipart/mixed; boundary=a")
			fmt.Fprintf(w, answer, tt.doc)
		})
		for rev, err := range r.Fetch(t.Context(), []replication.Ask{{ID: "_design/x", Revs: []couch.RevID{{Gen: 1, Hash: "aa"}}}}) {
			if !errors.Is(err, tt.err) || err == nil && ((rev.Refused != nil) != tt.refused || (rev.Doc != nil) == tt.refused) {
				t.Errorf("%s: %+v, %v", tt.doc, rev, err)
			}
		}
	}
}

// Documents are asked for one by one where a peer does not know how to give many at once,
// but not where it has too much to do.
func TestRefusedBulkGet(t *testing.T) {
	for _, tt := range []struct {
		status   int
		oneByOne bool
	}{{400, true}, {404, true}, {405, true}, {401, false}, {403, false}, {408, false}, {429, false}, {500, false}} {
		var asked atomic.Int64
		r := peer(t, func(w http.ResponseWriter, req *http.Request) {
			if req.Method == http.MethodPost {
				w.WriteHeader(tt.status)
				return
			}
			asked.Add(1)
			io.WriteString(w, `[{"ok":{"_id":"x","_rev":"1-aa","_revisions":{"start":1,"ids":["aa"]}}}]`)
		})
		for rev, err := range r.Fetch(t.Context(), []replication.Ask{{ID: "x", Revs: []couch.RevID{{Gen: 1, Hash: "aa"}}}}) {
			if (err == nil) != tt.oneByOne || (rev != nil) != tt.oneByOne {
				t.Errorf("%d: %+v, %v", tt.status, rev, err)
			}
		}
		if (asked.Load() > 0) != tt.oneByOne {
			t.Errorf("%d: documents were asked for %d times", tt.status, asked.Load())
		}
	}
}

// An answer may be as long as the bound is, and no longer.
func TestLongestAnswer(t *testing.T) {
	const most = 1 << 20
	const head, tail = `{"db_name":"db","update_seq":"0","instance_start_time":"0","more":"`, `"}`
	for _, more := range []int{0, 1} {
		text := head + strings.Repeat("x", most-len(head)-len(tail)+more) + tail
		r := peer(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			io.WriteString(w, text)
		})
		if _, err := r.Open(t.Context()); (err != nil) != (more > 0) {
			t.Errorf("%d bytes more than the bound: %v", more, err)
		}
	}
}
