package changes_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"settle/server/web"
	"settle/storage"
	"settle/storage/couch"
	"settle/storage/docjson"
	"settle/storage/storagetest"
)

// newDatabase makes a database in a store in memory.
func newDatabase(t *testing.T) *storage.Database {
	t.Helper()
	return storagetest.Database(t, storagetest.Open(t), "alpha", storage.CreateOptions{})
}

// write makes or edits a document, and returns its new revision.
func write(ctx context.Context, db *storage.Database, id string, rev couch.RevID) (couch.RevID, error) {
	parsed, err := docjson.NewReader(strings.NewReader(`{"n":1}`)).Document(docjson.Options{})
	if err != nil {
		return rev, err
	}
	results, err := db.BulkDocs(ctx, storage.Docs(&couch.Document{ID: couch.DocID(id), Revisions: couch.PathTo(rev), Body: parsed.Body}))
	if err == nil {
		err = results[0].Err
	}
	if err != nil {
		return rev, err
	}
	return results[0].Rev, nil
}

// row is a row of a feed, or its end.
type row struct {
	Seq     string
	ID      string
	Changes []struct{ Rev string }
	LastSeq string `json:"last_seq"`
}

// reader reads feeds of a server, one after the other, each from where the one
// before has ended or broken off.
type reader struct {
	url   string
	since string
	rows  []row
	rnd   *rand.Rand
}

// some reads rows with a feed of a random kind, and leaves it at a random place.
func (r *reader) some() error {
	limit := 1 + r.rnd.IntN(40)
	switch r.rnd.IntN(4) {
	case 0:
		return r.list("feed=longpoll&timeout=100")
	case 1:
		return r.list(fmt.Sprintf("limit=%d", limit))
	case 2:
		return r.lines(fmt.Sprintf("feed=continuous&timeout=100&limit=%d", limit), -1)
	default:
		return r.lines("feed=continuous&heartbeat=20", limit)
	}
}

func (r *reader) open(query string) (*http.Response, error) {
	return http.Get(r.url + "/alpha/_changes?since=" + r.since + "&" + query)
}

func (r *reader) list(query string) error {
	res, err := r.open(query)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	var got struct {
		Results []row
		LastSeq string `json:"last_seq"`
	}
	if err := json.NewDecoder(res.Body).Decode(&got); err != nil {
		return err
	}
	r.rows, r.since = append(r.rows, got.Results...), got.LastSeq
	return nil
}

// lines reads a continuous feed to its end, or breaks off after some lines.
func (r *reader) lines(query string, leave int) error {
	res, err := r.open(query)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	for ; leave != 0 && lines.Scan(); leave-- {
		if lines.Text() == "" {
			continue
		}
		var one row
		if err := json.Unmarshal(lines.Bytes(), &one); err != nil {
			return err
		}
		if one.LastSeq != "" {
			r.since = one.LastSeq
			return nil
		}
		r.rows, r.since = append(r.rows, one), one.Seq
	}
	return lines.Err()
}

// Feeds that come and go at random, while many write, see each change once, in
// order, and none is missing.
func TestEveryChangeOnce(t *testing.T) {
	const writers, edits, readers = 6, 120, 4
	db := newDatabase(t)
	server := httptest.NewServer(newHandler(func(string) (web.Database, error) { return db, nil }, make(chan struct{})))
	t.Cleanup(server.Close)

	var mu sync.Mutex
	final := map[string]string{} // of each document the last revision
	var writing, reading sync.WaitGroup
	done := make(chan struct{})
	for w := range writers {
		writing.Go(func() {
			var shared couch.RevID
			for i := range edits {
				id, rev := fmt.Sprintf("doc-%d-%d", w, i), couch.RevID{}
				if i%3 == 0 {
					id, rev = fmt.Sprintf("edited-%d", w), shared
				}
				rev, err := write(t.Context(), db, id, rev)
				if err != nil {
					t.Error(err)
					return
				}
				if i%3 == 0 {
					shared = rev
				}
				mu.Lock()
				final[id] = rev.String()
				mu.Unlock()
			}
		})
	}
	all := make([]*reader, readers)
	for i := range all {
		all[i] = &reader{url: server.URL, since: "0", rnd: rand.New(rand.NewPCG(1, uint64(i)))}
		reading.Go(func() { readAll(t, all[i], db, done) })
	}
	writing.Wait()
	close(done)
	reading.Wait()
	for _, r := range all {
		checkRows(t, r.rows, final)
	}
}

// readAll reads until the end of everything that is written.
func readAll(t *testing.T, r *reader, db *storage.Database, done <-chan struct{}) {
	for {
		ended := false
		select {
		case <-done:
			ended = true
		default:
		}
		if err := r.some(); err != nil {
			t.Error(err)
			return
		}
		newest, err := db.UpdateSeq(t.Context())
		if err != nil {
			t.Error(err)
			return
		}
		if ended && r.since == db.FormatSeq(newest) {
			return
		}
	}
}

func checkRows(t *testing.T, rows []row, final map[string]string) {
	t.Helper()
	seen := map[string]string{}
	before := uint64(0)
	for _, one := range rows {
		var n uint64
		if _, err := fmt.Sscanf(one.Seq, "%d-", &n); err != nil || n <= before {
			t.Fatalf("sequence %s behind %d", one.Seq, before)
		}
		before = n
		if _, twice := seen[one.ID]; twice && strings.HasPrefix(one.ID, "doc-") {
			t.Errorf("%s was shown twice", one.ID)
		}
		if seen[one.ID] == one.Changes[0].Rev {
			t.Errorf("%s was shown twice at %s", one.ID, seen[one.ID])
		}
		seen[one.ID] = one.Changes[0].Rev
	}
	if len(seen) != len(final) {
		t.Errorf("%d documents were shown, want %d", len(seen), len(final))
	}
	for id, rev := range final {
		if seen[id] != rev {
			t.Errorf("%s was last shown at %q, want %s", id, seen[id], rev)
		}
	}
}

func TestDocuments(t *testing.T) {
	db := newDatabase(t)
	h := newHandler(func(string) (web.Database, error) { return db, nil }, make(chan struct{}))
	pending, err := db.WriteBlob(t.Context(), strings.NewReader("hello"), 0)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := docjson.NewReader(strings.NewReader(`{"n":1}`)).Document(docjson.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.BulkDocs(t.Context(), storage.Docs(&couch.Document{
		ID: "_design/a", Body: parsed.Body,
		Attachments: []couch.Attachment{{Name: "x", ContentType: "a/b", Length: pending.Length(), Digest: pending.Digest(), Pending: pending}},
	})); err != nil {
		t.Fatal(err)
	}
	const doc = `"doc":{"_id":"_design/a","_rev":"`
	const att = `"_attachments":{"x":{"content_type":"a/b","revpos":1,"digest":"md5-XUFAKrxLKna5cZ2REBfFkg==",`
	tests := []struct{ query, want string }{
		{"include_docs=true", att + `"length":5,"stub":true}}}}`},
		{"include_docs=true&attachments=true", att + `"data":"aGVsbG8="}}}}`},
		{"include_docs=true&attachments=yes", att + `"length":5,"stub":true}}}}`},
		{"include_docs=true&filter=_design", att + `"length":5,"stub":true}}}}`},
		{"include_docs=true&attachments=true&filter=_doc_ids&doc_ids=%5B%22_design/a%22%5D", att + `"data":"aGVsbG8="}}}}`},
		{"include_docs=true&filter=_doc_ids&doc_ids=%5B%22x%22,%22_design/a%22,%22y%22%5D", att + `"length":5,"stub":true}}}}`},
	}
	for _, tt := range tests {
		rec, req := recorded("GET", "/alpha/_changes?"+tt.query)
		h.ServeHTTP(rec, req)
		if body := rec.Body.String(); !strings.Contains(body, doc) || !strings.Contains(body, tt.want) || !json.Valid(rec.Body.Bytes()) {
			t.Errorf("%s: %s", tt.query, body)
		}
	}
}
