package replication_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"settle/compat-tests/settletest"
)

// badNetwork is a proxy in front of a server: at random it refuses requests, sends them
// twice, answers them late, wrong, or not to the end, and loses answers to what has been
// done.
type badNetwork struct {
	*httptest.Server
	on atomic.Bool

	mu     sync.Mutex
	rng    *rand.Rand
	faults map[string]int // how many there were of each
	next   http.RoundTripper
}

// faults are what can happen to a request.
var faults = []string{"408", "429", "500", "503", "cut", "late", "lost", "truncated", "twice", "corrupted"}

func newBadNetwork(t *testing.T, behind string, seed uint64) *badNetwork {
	u, err := url.Parse(behind)
	if err != nil {
		t.Fatal(err)
	}
	n := &badNetwork{rng: rand.New(rand.NewPCG(seed, 7)), faults: map[string]int{}, next: &http.Transport{}}
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

// roll picks a fault for a request, and a number for it; most of the time there is none.
func (n *badNetwork) roll(req *http.Request) (fault string, number int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.on.Load() || n.rng.IntN(5) > 1 {
		return "", 0
	}
	fault = faults[n.rng.IntN(len(faults))]
	if fault == "twice" && req.Method != http.MethodPut && req.Method != http.MethodPost {
		fault = "lost" // to read twice changes nothing
	}
	n.faults[fault]++
	return fault, n.rng.IntN(2000)
}

// RoundTrip passes a request on, or not.
func (n *badNetwork) RoundTrip(req *http.Request) (*http.Response, error) {
	req.Header.Del("Accept-Encoding") // what is compressed wrong shows at its end only
	fault, number := n.roll(req)
	if status, err := strconv.Atoi(fault); err == nil {
		io.Copy(io.Discard, req.Body)
		return &http.Response{StatusCode: status, Header: http.Header{}, Body: http.NoBody, Request: req}, nil
	}
	switch fault {
	case "cut": // in front of it
		return nil, io.ErrUnexpectedEOF
	case "late":
		time.Sleep(300 * time.Millisecond)
	case "twice":
		return n.twice(req)
	}
	res, err := n.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	switch fault {
	case "lost": // it was done, and nobody is told
		res.Body.Close()
		return nil, io.ErrUnexpectedEOF
	case "truncated":
		res.Body = &cutBody{ReadCloser: res.Body, left: 1 + int64(number)}
	case "corrupted":
		res.Body = &wrongBody{ReadCloser: res.Body, at: int64(number)}
	}
	return res, nil
}

// twice sends a request twice, and passes on the second answer.
func (n *badNetwork) twice(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	var res *http.Response
	for range 2 {
		if res != nil {
			res.Body.Close()
		}
		again := req.Clone(req.Context())
		again.Body, again.ContentLength, again.TransferEncoding = io.NopCloser(bytes.NewReader(body)), int64(len(body)), nil
		if res, err = n.next.RoundTrip(again); err != nil {
			return nil, err
		}
	}
	return res, nil
}

// wrongBody has a byte that is none of what was sent. It is a NUL, which stands in no
// JSON text and no header: a client can see that. In an attachment the digest tells.
// Any other byte inside a JSON string would be taken for what the server has said, as
// nothing in the protocol speaks of the digests of documents.
type wrongBody struct {
	io.ReadCloser
	at int64 // from here
}

// Read reads on, and makes a byte wrong.
func (w *wrongBody) Read(p []byte) (int, error) {
	n, err := w.ReadCloser.Read(p)
	if w.at >= 0 && w.at < int64(n) {
		p[w.at] = 0
	}
	w.at -= int64(n)
	return n, err
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
	checkpoints := 0
	for range 3 {
		left.goOn(40)
		right.goOn(40)
		for _, o := range []outcome{a.replicate("x", endpoint(network.URL, "y")), a.replicate(endpoint(network.URL, "y"), "x")} {
			if !o.OK {
				failed++
			}
		}
		checkpoints += expectDurable(t, a, "x", b, "y") + expectDurable(t, b, "y", a, "x")
	}
	network.on.Store(false)
	for _, o := range []outcome{a.replicate("x", endpoint(network.URL, "y")), a.replicate(endpoint(network.URL, "y"), "x")} {
		if !o.OK {
			t.Fatalf("%s: %s", o.Error, o.Reason)
		}
	}
	t.Logf("%d replications failed, %d checkpoints were true, faults: %v", failed, checkpoints, network.faults)
	agreeOnLeaves(t, a, "x", b, "y")
}

// expectDurable wants a target to have whatever its checkpoints say that it has of a
// source. It returns how many of them there are.
func expectDurable(t *testing.T, source *peer, from string, target *peer, to string) (n int) {
	t.Helper()
	var info struct {
		Seq string `json:"update_seq"`
	}
	var locals struct {
		Rows []struct {
			Doc struct {
				Last json.RawMessage `json:"source_last_seq"`
			}
		}
	}
	source.must("GET", "/"+from, nil, &info)
	target.must("GET", "/"+to+"/_local_docs?include_docs=true", nil, &locals)
	number, token, _ := strings.Cut(info.Seq, "-")
	for _, row := range locals.Rows {
		// Of tokens the beginning names the database that made them.
		last, other, _ := strings.Cut(strings.Trim(string(row.Doc.Last), `"`), "-")
		if len(other) < 10 || other[:10] != token[:10] {
			continue
		}
		n++
		if missing := missingUpTo(source, from, target, to, last); len(missing) > 0 {
			t.Errorf("a checkpoint says %s of %s, and missing is %v", last, number, missing)
		}
	}
	return n
}

// missingUpTo returns what a target lacks of a source's changes up to a number.
func missingUpTo(source *peer, from string, target *peer, to, last string) map[string]any {
	var changes struct {
		Results []struct {
			Seq, ID string
			Changes []struct{ Rev string }
		}
	}
	source.must("GET", "/"+from+"/_changes?style=all_docs", nil, &changes)
	most, _ := strconv.Atoi(last)
	asks := map[string][]string{}
	for _, row := range changes.Results {
		number, _, _ := strings.Cut(row.Seq, "-")
		if n, _ := strconv.Atoi(number); n > most {
			break
		}
		for _, c := range row.Changes {
			asks[row.ID] = append(asks[row.ID], c.Rev)
		}
	}
	var missing map[string]any
	target.must("POST", "/"+to+"/_revs_diff", asks, &missing)
	return missing
}

// A target that is full takes no more, and no checkpoint says that it has. Once it has
// room the rest arrives.
func TestTargetOverQuota(t *testing.T) {
	a, b := start(t), start(t)
	a.must("PUT", "/x", nil, nil)
	b.must("PUT", "/y", nil, nil)
	b.must("PUT", "/y/_quota", object{"max_bytes": 200_000}, nil)
	edits := &history{rng: rand.New(rand.NewPCG(rand.Uint64(), 1)), p: a, db: "x", side: "a"}
	for range 4 {
		edits.goOn(40)
		edits.large()
		edits.side += "+"
	}
	for _, target := range []any{endpoint(b.URL(), "y"), "z"} { // by HTTP, and in process
		on, to := b, "y"
		if target == "z" {
			on, to = a, "z"
			a.must("PUT", "/z", nil, nil)
			a.must("PUT", "/z/_quota", object{"max_bytes": 200_000}, nil)
		}
		if o := a.replicate("x", target); o.OK {
			t.Errorf("%s: it is full, and took all: %+v", to, o)
		}
		expectDurable(t, a, "x", on, to)
		on.must("PUT", "/"+to+"/_quota", object{"max_bytes": nil}, nil)
		if o := a.replicate("x", target); !o.OK {
			t.Fatalf("%s: %s: %s", to, o.Error, o.Reason)
		}
		agree(t, a, "x", on, to)
	}
}

// A source that is deleted and made anew in the middle is replicated from its beginning.
func TestSourceMadeAnew(t *testing.T) {
	a, b := start(t), start(t)
	a.must("PUT", "/x", nil, nil)
	b.must("PUT", "/y", nil, nil)
	task := object{"source": endpoint(a.URL(), "x"), "target": endpoint(b.URL(), "y"), "continuous": true, "checkpoint_interval": 50, "worker_batch_size": 5}
	b.must("PUT", "/_replicator/pull", task, nil)
	for round := range 3 {
		edits := &history{rng: rand.New(rand.NewPCG(uint64(round), 5)), p: a, db: "x", side: fmt.Sprint(round)}
		edits.goOn(30 + 20*(round%2))
		eventually(t, "something arrives", func() bool { return len(missingUpTo(a, "x", b, "y", "5")) == 0 })
		if round < 2 {
			a.must("DELETE", "/x", nil, nil)
			a.must("PUT", "/x", nil, nil)
		}
	}
	eventually(t, "all arrives", func() bool { return len(missingUpTo(a, "x", b, "y", "1000000")) == 0 })
	expectDurable(t, a, "x", b, "y")
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
