package replication_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
)

// witness is a proxy in front of a server that keeps what it is asked.
type witness struct {
	*httptest.Server
	mu    sync.Mutex
	asked []string // method and path
	diffs []int    // documents in each _revs_diff
	fails string   // requests with that in their paths are answered 500; empty: none
}

func newWitness(t *testing.T, behind string) *witness {
	u, err := url.Parse(behind)
	if err != nil {
		t.Fatal(err)
	}
	w := new(witness)
	proxy := httputil.NewSingleHostReverseProxy(u)
	proxy.FlushInterval, proxy.ErrorLog = -1, quiet
	w.Server = httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, in *http.Request) {
		if w.note(in) {
			out.WriteHeader(http.StatusInternalServerError)
			return
		}
		proxy.ServeHTTP(out, in)
	}))
	t.Cleanup(func() { w.CloseClientConnections(); w.Close() }) // feeds do not end by themselves
	return w
}

func (w *witness) note(in *http.Request) (fails bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked = append(w.asked, in.Method+" "+in.URL.Path)
	if strings.HasSuffix(in.URL.Path, "/_revs_diff") {
		text, _ := io.ReadAll(in.Body)
		in.Body = io.NopCloser(bytes.NewReader(text))
		var asks map[string]any
		if json.Unmarshal(text, &asks) == nil {
			w.diffs = append(w.diffs, len(asks))
		}
	}
	return w.fails != "" && strings.Contains(in.URL.Path, w.fails)
}

// count returns how many requests had a word in them.
func (w *witness) count(word string) (n int) {
	for _, asked := range w.asked {
		if strings.Contains(asked, word) {
			n++
		}
	}
	return n
}

// What section [replicator] says counts for replications that say nothing else.
func TestConfiguredDefaults(t *testing.T) {
	for _, tt := range []struct {
		name   string
		config map[string]string
		task   object
		fails  bool
		expect func(w *witness) error
	}{
		{name: "standards", expect: func(w *witness) error {
			if w.count("/_bulk_get") == 0 || w.count("PUT /x/_local/") == 0 || slices.Max(w.diffs) < 12 {
				return fmt.Errorf("not asked as CouchDB asks")
			}
			return nil
		}},
		{name: "batches", config: map[string]string{"worker_batch_size": "3"}, expect: func(w *witness) error {
			if slices.Max(w.diffs) > 3 {
				return fmt.Errorf("batches of %v", w.diffs)
			}
			return nil
		}},
		{name: "the task's own", config: map[string]string{"worker_batch_size": "3"}, task: object{"worker_batch_size": 500}, expect: func(w *witness) error {
			if slices.Max(w.diffs) < 12 {
				return fmt.Errorf("batches of %v", w.diffs)
			}
			return nil
		}},
		{name: "no _bulk_get", config: map[string]string{"use_bulk_get": "false"}, expect: func(w *witness) error {
			if n := w.count("/_bulk_get"); n > 0 {
				return fmt.Errorf("%d of _bulk_get", n)
			}
			return nil
		}},
		{name: "no checkpoints", config: map[string]string{"use_checkpoints": "false"}, expect: func(w *witness) error {
			if n := w.count("PUT /x/_local/") + w.count("PUT /y/_local/"); n > 0 {
				return fmt.Errorf("%d checkpoints", n)
			}
			return nil
		}},
		{name: "retries", config: map[string]string{"retries_per_request": "1"}, fails: true, expect: func(w *witness) error {
			if n := w.count("GET /x"); n != 2 {
				return fmt.Errorf("%d tries", n)
			}
			return nil
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := start(t)
			w := newWitness(t, p.URL())
			if tt.fails {
				w.fails = "/"
			}
			p.must("PUT", "/x", nil, nil)
			p.must("PUT", "/y", nil, nil)
			for i := range 12 {
				p.must("PUT", fmt.Sprintf("/x/%d", i), object{}, nil)
			}
			for key, value := range tt.config {
				p.must("PUT", "/_node/_local/_config/replicator/"+key, value, nil)
			}
			// Without a password, as logging in is a request, too.
			p.must("PUT", "/x/_security", object{}, nil)
			p.must("PUT", "/y/_security", object{}, nil)
			task := object{"source": w.URL + "/x", "target": w.URL + "/y"}
			for name, value := range tt.task {
				task[name] = value
			}
			var o outcome
			p.ask("POST", "/_replicate", task, &o)
			if o.OK == tt.fails {
				t.Fatalf("%s: %s", o.Error, o.Reason)
			}
			w.mu.Lock()
			defer w.mu.Unlock()
			if err := tt.expect(w); err != nil {
				t.Errorf("%v: %q", err, w.asked)
			}
		})
	}
}

// The defaults show where tasks are listed; values that mean nothing are refused.
func TestConfiguredDefaultsShow(t *testing.T) {
	p := start(t)
	p.must("PUT", "/x", nil, nil)
	p.must("PUT", "/_node/_local/_config/replicator/checkpoint_interval", "12345", nil)
	p.must("PUT", "/_replicator/r", object{"source": endpoint(p.URL(), "x"), "target": endpoint(p.URL(), "y"), "create_target": true, "continuous": true}, nil)
	eventually(t, "the interval is that of the configuration", func() bool {
		var tasks []struct {
			Type     string
			Interval int `json:"checkpoint_interval"`
		}
		p.must("GET", "/_active_tasks", nil, &tasks)
		return len(tasks) == 1 && tasks[0].Interval == 12345
	})
	for key, value := range map[string]string{
		"worker_processes": "0", "worker_batch_size": "x", "http_connections": "-1", "connection_timeout": "0",
		"retries_per_request": "1.5", "checkpoint_interval": "", "use_checkpoints": "yes", "use_bulk_get": "1",
	} {
		if status := p.ask("PUT", "/_node/_local/_config/replicator/"+key, value, nil); status != 400 {
			t.Errorf("%s=%q: %d", key, value, status)
		}
	}
}
