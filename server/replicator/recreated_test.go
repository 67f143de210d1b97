package replicator_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"sync"
	"testing"
	"time"

	"settle/server/replicator"
	"settle/storage"
	"settle/storage/couch"
	"settle/storage/storagetest"
)

// slowPeer has databases of one change each, and is slow to write the one named slow to
// its disk.
type slowPeer struct {
	mu      sync.Mutex
	feeds   map[string]int // that were asked for, by the database
	slow    string
	release chan struct{} // closed when it is slow no more
}

func (p *slowPeer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	io.Copy(io.Discard, r.Body)
	w.Header().Set("Content-Type", "application/json")
	db, what, _ := strings.Cut(strings.Trim(r.URL.Path, "/"), "/")
	switch {
	case what == "_changes":
		p.mu.Lock()
		p.feeds[db]++
		p.mu.Unlock()
		fmt.Fprintln(w, `{"seq":"1","id":"x","changes":[{"rev":"1-a"}]}`)
		http.NewResponseController(w).Flush()
		<-r.Context().Done()
	case what == "_ensure_full_commit" && db == p.slow:
		select {
		case <-p.release:
		case <-r.Context().Done():
		}
	case what == "_revs_diff":
		io.WriteString(w, `{}`)
	case strings.HasPrefix(what, "_local/") && r.Method == http.MethodGet:
		w.WriteHeader(http.StatusNotFound)
		io.WriteString(w, `{"error":"not_found","reason":"missing"}`)
	default:
		io.WriteString(w, `{"ok":true,"rev":"0-1","db_name":"db","update_seq":"1","instance_start_time":"0"}`)
	}
}

// isFollowed reports whether the changes of so many databases have been asked for so often.
func (p *slowPeer) isFollowed(databases, times int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, n := range p.feeds {
		if n < times {
			return false
		}
	}
	return len(p.feeds) == databases
}

// running returns how far the replications are that run, by their documents.
func running(t *testing.T, r *replicator.Replicator) map[string]string {
	t.Helper()
	text, err := json.Marshal(r.Tasks())
	var tasks []struct {
		DocID   string `json:"doc_id"`
		Through any    `json:"through_seq"`
	}
	if err == nil {
		err = json.Unmarshal(text, &tasks)
	}
	if err != nil {
		t.Fatal(err)
	}
	through := make(map[string]string)
	for _, task := range tasks {
		through[task.DocID] = fmt.Sprint(task.Through)
	}
	return through
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for begun := time.Now(); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Since(begun) > time.Minute {
			t.Fatal(what)
		}
	}
}

// The documents of a replicator database that is made anew are those that count, however
// long it takes until the jobs of the one before have ended.
func TestDatabaseIsMadeAnew(t *testing.T) {
	const name, docs = "x/_replicator", 16
	peer := &slowPeer{feeds: make(map[string]int), slow: "0", release: make(chan struct{})}
	server := httptest.NewServer(peer)
	t.Cleanup(server.Close)
	store := storagetest.Open(t)
	r := newReplicator(t, store)
	r.Start(new(net.UnixAddr))
	make := func() {
		db := storagetest.Database(t, store, name, storage.CreateOptions{})
		for i := range docs {
			where := server.URL + path.Join("/", fmt.Sprint(i))
			text := fmt.Sprintf(`{"source":%q,"target":%q,"continuous":true}`, where, where)
			if _, err := db.BulkDocs(t.Context(), storage.Docs(&couch.Document{ID: couch.DocID(fmt.Sprint(i)), Body: couch.Body{Text: []byte(text)}})); err != nil {
				t.Fatal(err)
			}
		}
	}
	make()
	eventually(t, "not all has been replicated", func() bool {
		through := running(t, r)
		for _, seq := range through {
			if seq != "1" {
				return false
			}
		}
		return len(through) == docs
	})
	if err := store.DropDatabase(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	make()
	time.Sleep(time.Second) // for what must not begin yet
	close(peer.release)
	eventually(t, "not all is replicated again", func() bool { return peer.isFollowed(docs, 2) })
	time.Sleep(time.Second) // for what must not end
	if through := running(t, r); len(through) != docs {
		t.Errorf("%d of %d are replicated: %v", len(through), docs, through)
	}
}
