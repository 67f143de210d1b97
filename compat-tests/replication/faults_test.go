package replication_test

import (
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"settle/compat-tests/settletest"
)

// badNetwork is a proxy in front of a server: at random it refuses requests, answers
// them late, twice, or not to the end, and loses answers to what has been done.
type badNetwork struct {
	*httptest.Server
	on     atomic.Bool
	faults atomic.Int64

	mu   sync.Mutex
	rng  *rand.Rand
	next http.RoundTripper
}

func newBadNetwork(t *testing.T, behind string, seed uint64) *badNetwork {
	u, err := url.Parse(behind)
	if err != nil {
		t.Fatal(err)
	}
	n := &badNetwork{rng: rand.New(rand.NewPCG(seed, 7)), next: &http.Transport{}}
	proxy := httputil.NewSingleHostReverseProxy(u)
	proxy.Transport, proxy.FlushInterval = n, -1
	proxy.ErrorHandler = func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) }
	proxy.ErrorLog = quiet
	n.Server = httptest.NewUnstartedServer(proxy)
	n.Config.ErrorLog = quiet
	n.Start()
	n.on.Store(true)
	t.Cleanup(n.Close)
	return n
}

// roll picks a fault; most of the time there is none.
func (n *badNetwork) roll() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.on.Load() || n.rng.IntN(4) > 0 {
		return -1
	}
	n.faults.Add(1)
	return n.rng.IntN(8)
}

// RoundTrip passes a request on, or not.
func (n *badNetwork) RoundTrip(req *http.Request) (*http.Response, error) {
	fault := n.roll()
	if fault >= 0 && fault < 4 {
		io.Copy(io.Discard, req.Body)
		status := []int{http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusServiceUnavailable}[fault]
		return &http.Response{StatusCode: status, Header: http.Header{}, Body: http.NoBody, Request: req}, nil
	}
	switch fault {
	case 4:
		return nil, io.ErrUnexpectedEOF // the connection is cut in front of it
	case 5:
		time.Sleep(300 * time.Millisecond)
	}
	res, err := n.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	switch fault {
	case 6: // it was done, and nobody is told
		res.Body.Close()
		return nil, io.ErrUnexpectedEOF
	case 7:
		res.Body = &cutBody{ReadCloser: res.Body, left: 1 + int64(len(req.URL.Path)*37%2000)}
	}
	return res, nil
}

// cutBody ends too early.
type cutBody struct {
	io.ReadCloser
	left int64
}

// Read reads on, as far as the network does.
func (c *cutBody) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, io.ErrUnexpectedEOF
	}
	n, err := c.ReadCloser.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	return n, err
}

// Whatever the network does, once it is good everything arrives, and what
// checkpoints claim is there.
func TestBadNetwork(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	a, b := start(t), start(t)
	network := newBadNetwork(t, b.URL(), seed)
	a.must("PUT", "/x", nil, nil)
	b.must("PUT", "/y", nil, nil)
	left := &history{rng: rand.New(rand.NewPCG(seed, 1)), p: a, db: "x", side: "a"}
	right := &history{rng: rand.New(rand.NewPCG(seed, 2)), p: b, db: "y", side: "b"}
	failed := 0
	for range 3 {
		left.goOn(40)
		right.goOn(40)
		for _, o := range []outcome{a.replicate("x", endpoint(network.URL, "y")), a.replicate(endpoint(network.URL, "y"), "x")} {
			if !o.OK {
				failed++
			}
		}
	}
	network.on.Store(false)
	for _, o := range []outcome{a.replicate("x", endpoint(network.URL, "y")), a.replicate(endpoint(network.URL, "y"), "x")} {
		if !o.OK {
			t.Fatalf("%s: %s", o.Error, o.Reason)
		}
	}
	t.Logf("%d faults, %d replications failed", network.faults.Load(), failed)
	agreeOnLeaves(t, a, "x", b, "y")
}

// Both servers crash again and again under a continuous replication of a document.
// After a restart it goes on by itself, and in the end nothing is missing: no
// checkpoint has claimed what was lost.
func TestKilledPeers(t *testing.T) {
	a, b := start(t), start(t)
	a.must("PUT", "/x", nil, nil)
	b.must("PUT", "/y", nil, nil)
	a.must("PUT", "/_replicator/push", object{
		"source": endpoint(a.URL(), "x"), "target": endpoint(b.URL(), "y"), "continuous": true, "checkpoint_interval": 50, "worker_batch_size": 10,
	}, nil)
	for round := range 4 {
		edits := &history{rng: rand.New(rand.NewPCG(uint64(round), 3)), p: a, db: "x", side: "a"}
		edits.goOn(50)
		victim := []*settletest.Server{a.Server, b.Server}[round%2]
		victim.Kill()
		victim.Restart()
	}
	eventually(t, "all arrives", func() bool {
		var from, to struct {
			DocCount int `json:"doc_count"`
			Deleted  int `json:"doc_del_count"`
		}
		a.must("GET", "/x", nil, &from)
		b.must("GET", "/y", nil, &to)
		var diff map[string]any
		var changes struct {
			Results []struct {
				ID      string
				Changes []struct{ Rev string }
			}
		}
		a.must("GET", "/x/_changes?style=all_docs", nil, &changes)
		asks := map[string][]string{}
		for _, row := range changes.Results {
			for _, c := range row.Changes {
				asks[row.ID] = append(asks[row.ID], c.Rev)
			}
		}
		b.must("POST", "/y/_revs_diff", asks, &diff)
		return from == to && len(diff) == 0
	})
	agree(t, a, "x", b, "y")
}
