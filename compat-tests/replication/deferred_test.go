package replication_test

import (
	"bytes"
	"compress/gzip"
	"crypto/md5"
	"encoding/base64"
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

	"settle/compat-tests/settletest"
)

// gate is a proxy in front of a source, which counts what passes.
type gate struct {
	*httptest.Server
	fetched atomic.Int64 // contents that were asked for
	bytes   atomic.Int64 // of answers

	mu     sync.Mutex
	change func(*http.Request, *http.Response) error // what becomes of an answer; nil: nothing
}

func newGate(t *testing.T, behind string) *gate {
	u, err := url.Parse(behind)
	if err != nil {
		t.Fatal(err)
	}
	g := new(gate)
	proxy := httputil.NewSingleHostReverseProxy(u)
	proxy.FlushInterval, proxy.ErrorLog = -1, quiet
	proxy.ErrorHandler = func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) }
	proxy.ModifyResponse = func(res *http.Response) error {
		if isContent(res.Request) {
			g.fetched.Add(1)
		}
		g.mu.Lock()
		change := g.change
		g.mu.Unlock()
		if change != nil {
			if err := change(res.Request, res); err != nil {
				return err
			}
		}
		res.Body = &countedBody{res.Body, &g.bytes}
		return nil
	}
	g.Server = httptest.NewUnstartedServer(proxy)
	g.Config.ErrorLog = quiet
	g.Start()
	t.Cleanup(g.Close)
	return g
}

func (g *gate) changing(change func(*http.Request, *http.Response) error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.change = change
}

// isContent reports whether a request asks for an attachment alone.
func isContent(r *http.Request) bool {
	return r.Method == http.MethodGet && strings.Count(r.URL.Path, "/") >= 3 && !strings.Contains(r.URL.Path, "/_")
}

type countedBody struct {
	io.ReadCloser
	n *atomic.Int64
}

func (c *countedBody) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.n.Add(int64(n))
	return n, err
}

// fetch asks for one content.
func (p *peer) fetch(path string, header ...string) (status int, h http.Header, content []byte, err error) {
	p.t.Helper()
	req, err := http.NewRequest("GET", p.URL()+path, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	req.SetBasicAuth(settletest.AdminName, settletest.AdminPassword)
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, nil, err
	}
	defer res.Body.Close()
	content, err = io.ReadAll(res.Body)
	return res.StatusCode, res.Header, content, err
}

// postpone replicates with deferred attachments.
func (p *peer) postpone(source, target any) {
	p.t.Helper()
	var o outcome
	p.ask("POST", "/_replicate", object{"source": source, "target": target, "create_target": true, "attachments": "deferred"}, &o)
	if !o.OK {
		p.t.Fatalf("%s: %s", o.Error, o.Reason)
	}
}

func noise(seed uint64, size int) []byte {
	rng, data := rand.New(rand.NewPCG(seed, 3)), make([]byte, size)
	for i := range data {
		data[i] = byte(rng.Uint32())
	}
	return data
}

// attach puts an attachment and returns the revision.
func (p *peer) attach(path, contentType string, data []byte) string {
	p.t.Helper()
	req, err := http.NewRequest("PUT", p.URL()+path, bytes.NewReader(data))
	if err != nil {
		p.t.Fatal(err)
	}
	req.SetBasicAuth(settletest.AdminName, settletest.AdminPassword)
	req.Header.Set("Content-Type", contentType)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusCreated {
		p.t.Fatalf("PUT %s: %d", path, res.StatusCode)
	}
	return strings.Trim(res.Header.Get("ETag"), `"`)
}

// mailbox fills x with documents that have contents of many sizes.
func mailbox(p *peer) map[string][]byte {
	p.must("PUT", "/x", nil, nil)
	contents := make(map[string][]byte)
	for i, size := range []int{0, 1, 1000, 40_000, 65_536, 200_000, 5_000_000} {
		path := fmt.Sprintf("/x/m%d/body", i)
		contents[path] = noise(uint64(i), size)
		p.attach(path, "application/octet-stream", contents[path])
	}
	return contents
}

type quota struct {
	Used int64 `json:"attachments_bytes"`
}

// A replica of deferred attachments has the documents, and no contents until somebody
// asks: then each is fetched once, however many ask, and kept. It is a full citizen.
func TestDeferred(t *testing.T) {
	source, replica := start(t), start(t)
	contents := mailbox(source)
	g := newGate(t, source.URL())
	replica.postpone(endpoint(g.URL, "x"), "x")
	if n := g.bytes.Load(); n > 50_000 || g.fetched.Load() > 0 {
		t.Errorf("%d bytes were replicated, %d contents", n, g.fetched.Load())
	}
	var q quota
	if replica.must("GET", "/x/_quota", nil, &q); q.Used != 0 {
		t.Errorf("%d bytes of attachments count", q.Used)
	}
	var meta struct {
		Meta map[string]struct{ Length int64 } `json:"attachments_meta"`
	}
	if replica.must("GET", "/_metadata/x/m5", nil, &meta); meta.Meta["body"].Length != 200_000 {
		t.Errorf("the metadata view shows %+v", meta)
	}

	var readers sync.WaitGroup
	for path, want := range contents {
		for i := range 5 {
			readers.Go(func() {
				status, _, got, err := replica.fetch(path)
				if err != nil || status != 200 || !bytes.Equal(got, want) {
					t.Errorf("%s: %d, %d bytes, %v", path, status, len(got), err)
				}
				if i > 0 || len(want) < 1000 {
					return
				}
				status, _, got, err = replica.fetch(path, "Range", "bytes=500-899")
				if err != nil || status != 206 || !bytes.Equal(got, want[500:900]) {
					t.Errorf("%s: a range: %d, %d bytes, %v", path, status, len(got), err)
				}
			})
		}
	}
	readers.Wait()
	if n := g.fetched.Load(); n != int64(len(contents)) {
		t.Errorf("%d contents were fetched %d times", len(contents), n)
	}
	if replica.must("GET", "/x/_quota", nil, &q); q.Used != 5_306_537 {
		t.Errorf("%d bytes of attachments count", q.Used)
	}
	g.Close() // nothing more is needed
	replica.Restart()
	agree(t, source, "x", replica, "x")
}

// Edits of a replica keep contents that it has not, and a replica as a source fetches
// what it passes on.
func TestDeferredCitizen(t *testing.T) {
	source, replica, third := start(t), start(t), start(t)
	contents := mailbox(source)
	replica.postpone(endpoint(source.URL(), "x"), "x")
	var doc object
	replica.must("GET", "/x/m3", nil, &doc)
	doc["edited"] = true
	replica.must("PUT", "/x/m3", doc, nil)
	replica.postpone(endpoint(source.URL(), "x"), "x") // and once more
	third.must("PUT", "/x", nil, nil)
	third.must("PUT", "/y", nil, nil)
	for _, o := range []outcome{
		third.replicate(endpoint(replica.URL(), "x"), "x"),
		replica.replicate("x", endpoint(third.URL(), "y")),
		replica.replicate("x", endpoint(source.URL(), "x")),
	} {
		if !o.OK {
			t.Fatalf("%s: %s", o.Error, o.Reason)
		}
	}
	agree(t, replica, "x", third, "x")
	agree(t, replica, "x", third, "y")
	agree(t, replica, "x", source, "x")
	third.postpone(endpoint(replica.URL(), "x"), "chained")
	replica.postpone("x", "beside")
	agree(t, replica, "x", third, "chained")
	agree(t, replica, "x", replica, "beside")
	for path := range contents {
		doc := strings.TrimSuffix(path, "/body")
		replica.must("DELETE", doc+"?rev="+revOf(replica, doc), nil, nil)
	}
	var q quota
	if replica.must("GET", "/x/_quota", nil, &q); q.Used != 0 {
		t.Errorf("of deleted documents %d bytes count", q.Used)
	}
}

func revOf(p *peer, path string) string {
	var doc struct {
		Rev string `json:"_rev"`
	}
	p.must("GET", path, nil, &doc)
	return doc.Rev
}

// What the source does not give, or gives wrongly, is an error, never a wrong content,
// and what it has no more is gone.
func TestDeferredTrouble(t *testing.T) {
	source, replica := start(t), start(t)
	contents := mailbox(source)
	g := newGate(t, source.URL())
	replica.postpone(endpoint(g.URL, "x"), "x")
	const path = "/x/m5/body"
	for name, change := range map[string]func(*http.Request, *http.Response) error{
		"damaged": func(r *http.Request, res *http.Response) error {
			return rewrite(res, func(b []byte) []byte { b[len(b)-1] ^= 1; return b })
		},
		"short": func(r *http.Request, res *http.Response) error {
			return rewrite(res, func(b []byte) []byte { return b[:len(b)-1] })
		},
		"long": func(r *http.Request, res *http.Response) error {
			return rewrite(res, func(b []byte) []byte { return append(b, 0) })
		},
		"another": func(r *http.Request, res *http.Response) error {
			return rewrite(res, func(b []byte) []byte { return []byte("hello") })
		},
		"cut": func(r *http.Request, res *http.Response) error {
			res.Body = io.NopCloser(io.LimitReader(res.Body, 150_000))
			return nil
		},
		"away":   func(r *http.Request, res *http.Response) error { return io.ErrUnexpectedEOF },
		"busy":   func(r *http.Request, res *http.Response) error { res.StatusCode = 503; return nil },
		"refuse": func(r *http.Request, res *http.Response) error { res.StatusCode = 401; return nil },
		"proxy": func(r *http.Request, res *http.Response) error {
			res.StatusCode = 404
			return rewrite(res, func([]byte) []byte { return []byte("<html>") })
		},
	} {
		g.changing(change)
		status, h, got, err := replica.fetch(path)
		if err == nil && status == 200 {
			t.Errorf("%s: %d bytes came whole", name, len(got))
		}
		if err == nil && (status != 503 || h.Get("Retry-After") == "" || h.Get("Content-MD5") != "") {
			t.Errorf("%s: %d %v %s", name, status, h, got)
		}
	}
	g.changing(nil)
	if status, _, got, err := replica.fetch(path); err != nil || status != 200 || !bytes.Equal(got, contents[path]) {
		t.Errorf("afterwards: %d, %d bytes, %v", status, len(got), err)
	}

	// The same content under a later revision is as good, another is not.
	source.must("PUT", "/_node/_local/_config/attachments/keep_ancestors", "0", nil)
	for _, id := range []string{"m3", "m4"} {
		rev := revOf(source, "/x/"+id)
		if id == "m4" {
			source.attach("/x/m4/body?rev="+rev, "application/octet-stream", []byte("other"))
			continue
		}
		source.must("PUT", "/x/m3", object{"_rev": rev, "n": 2, "_attachments": object{"body": object{"stub": true}}}, nil)
	}
	source.must("POST", "/x/_compact", object{}, nil)
	eventually(t, "the source is compacted", func() bool {
		var info struct {
			Running bool `json:"compact_running"`
		}
		source.must("GET", "/x", nil, &info)
		return !info.Running && source.ask("GET", "/x/m4/body?rev=1-x", nil, nil) == 404
	})
	if status, _, got, err := replica.fetch("/x/m3/body"); err != nil || status != 200 || !bytes.Equal(got, contents["/x/m3/body"]) {
		t.Errorf("of a compacted revision: %d, %d bytes, %v", status, len(got), err)
	}
	if status, _, got, _ := replica.fetch("/x/m4/body"); status != 410 {
		t.Errorf("of a content that is gone: %d %s", status, got)
	}
	g.Close()
	if status, h, got, _ := replica.fetch("/x/m6/body"); status != 503 || h.Get("Retry-After") == "" {
		t.Errorf("without a source: %d %s", status, got)
	}
}

func rewrite(res *http.Response, change func([]byte) []byte) error {
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	text = change(text)
	res.Body, res.ContentLength = io.NopCloser(bytes.NewReader(text)), int64(len(text))
	res.Header.Set("Content-Length", strconv.Itoa(len(text)))
	return nil
}

// A source that keeps contents compressed, as CouchDB does, tells the digest of what it
// keeps. So does the replica, and passes the content on under the digest of its own.
func TestDeferredCompressed(t *testing.T) {
	source, replica, third := start(t), start(t), start(t)
	source.must("PUT", "/x", nil, nil)
	text := []byte(strings.Repeat("all the same ", 1000))
	source.attach("/x/note/a.txt", "text/plain", text)
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	w.Write(text)
	w.Close()
	sum, own := md5.Sum(packed.Bytes()), md5.Sum(text)
	digest, plain := base64.StdEncoding.EncodeToString(sum[:]), base64.StdEncoding.EncodeToString(own[:])
	g := newGate(t, source.URL())
	g.changing(func(r *http.Request, res *http.Response) error {
		switch {
		case isContent(r) && r.Header.Get("Accept-Encoding") == "gzip":
			res.Header.Set("Content-Encoding", "gzip")
			res.Header.Set("ETag", `"`+digest+`"`)
			return rewrite(res, func([]byte) []byte { return bytes.Clone(packed.Bytes()) })
		case strings.HasSuffix(r.URL.Path, "/_bulk_get"):
			if r.URL.Query().Get("att_encoding_info") != "true" {
				t.Error("how contents are kept is not asked for")
			}
			return rewrite(res, func(b []byte) []byte {
				return bytes.ReplaceAll(b, []byte(`"digest":"md5-`+plain+`"`), []byte(`"digest":"md5-`+digest+`","encoding":"gzip","encoded_length":`+strconv.Itoa(packed.Len())))
			})
		}
		return nil
	})
	replica.postpone(endpoint(g.URL, "x"), "x")
	var doc struct {
		Attachments map[string]struct {
			Digest string
			Length int
		} `json:"_attachments"`
	}
	if replica.must("GET", "/x/note", nil, &doc); doc.Attachments["a.txt"].Digest != "md5-"+digest || doc.Attachments["a.txt"].Length != len(text) {
		t.Errorf("the replica shows %+v", doc)
	}
	if status, _, got, err := replica.fetch("/x/note/a.txt"); err != nil || status != 200 || !bytes.Equal(got, text) {
		t.Errorf("%d, %d bytes, %v", status, len(got), err)
	}
	third.must("PUT", "/x", nil, nil)
	if o := third.replicate(endpoint(replica.URL(), "x"), "x"); !o.OK {
		t.Fatalf("%s: %s", o.Error, o.Reason)
	}
	if third.must("GET", "/x/note", nil, &doc); doc.Attachments["a.txt"].Digest != "md5-"+plain {
		t.Errorf("what was passed on shows %+v", doc)
	}
	third.postpone(endpoint(replica.URL(), "x"), "chained")
	if status, h, got, err := third.fetch("/chained/note/a.txt"); err != nil || status != 200 || !bytes.Equal(got, text) || h.Get("Content-MD5") != plain {
		t.Errorf("a replica of the replica: %d %v, %d bytes, %v", status, h, len(got), err)
	}
	var edited object
	replica.must("GET", "/_metadata/x/note", nil, &edited)
	edited["edited"] = true
	replica.must("PUT", "/_metadata/x/note", edited, nil)
	if o := third.replicate(endpoint(replica.URL(), "x"), "x"); !o.OK {
		t.Errorf("after an edit of the metadata: %s: %s", o.Error, o.Reason)
	}

	// Somebody in between unpacks what comes, or puts another content in its place.
	unpacked := start(t)
	unpacked.postpone(endpoint(g.URL, "x"), "x")
	g.changing(func(r *http.Request, res *http.Response) error {
		res.Header.Del("Content-MD5")
		return rewrite(res, func([]byte) []byte { return bytes.Repeat([]byte("X"), len(text)) })
	})
	if status, _, got, err := unpacked.fetch("/x/note/a.txt"); err == nil && status == 200 {
		t.Errorf("%d bytes came whole that nobody has checked", len(got))
	}
}

// A content that is to be had nowhere any more keeps no other document from being
// replicated.
func TestDeferredGone(t *testing.T) {
	source, replica, third := start(t), start(t), start(t)
	source.must("PUT", "/x", nil, nil)
	for _, id := range []string{"a", "b"} {
		source.attach("/x/"+id+"/body", "application/octet-stream", noise(1, 1000))
	}
	replica.postpone(endpoint(source.URL(), "x"), "x")
	source.must("POST", "/x/_purge", object{"a": []string{revOf(source, "/x/a")}}, nil)
	third.must("PUT", "/pulled", nil, nil)
	third.must("PUT", "/pushed", nil, nil)
	for _, o := range []outcome{third.replicate(endpoint(replica.URL(), "x"), "pulled"), replica.replicate("x", endpoint(third.URL(), "pushed"))} {
		if !o.OK {
			t.Errorf("%s: %s", o.Error, o.Reason)
		}
	}
	for _, db := range []string{"pulled", "pushed"} {
		if status := third.ask("GET", "/"+db+"/b", nil, nil); status != 200 {
			t.Errorf("%s: the other document: %d", db, status)
		}
		if status := third.ask("GET", "/"+db+"/a", nil, nil); status != 404 {
			t.Errorf("%s: the document whose content is gone: %d", db, status)
		}
	}
}

// Who may only read a database does not say where its contents come from, and nobody
// changes where those of another's replication do.
func TestDeferredRights(t *testing.T) {
	source, replica := start(t), start(t)
	source.must("PUT", "/x", nil, nil)
	source.attach("/x/a/body", "application/octet-stream", noise(1, 1000))
	replica.postpone(endpoint(source.URL(), "x"), "x")
	replica.must("PUT", "/_node/_local/_config/replicator/allow", "all", nil)
	for _, name := range []string{"ann", "bob"} {
		replica.user(name)
	}
	replica.must("PUT", "/x/_security", object{"members": object{"names": []string{"bob"}}, "readers_only": object{"names": []string{"ann"}}}, nil)
	nowhere := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(nowhere.Close)
	ask := object{"source": endpoint(source.URL(), "x"), "source_proxy": nowhere.URL, "target": "x", "attachments": "deferred"}
	if status, said := replica.as("ann", "POST", "/_replicate", ask); status < 400 {
		t.Errorf("a reader: %d %s", status, said)
	}
	delete(ask, "source_proxy")
	if status, said := replica.as("bob", "POST", "/_replicate", ask); status != 200 {
		t.Errorf("a member: %d %s", status, said)
	}
	ask["source_proxy"] = nowhere.URL
	replica.as("bob", "POST", "/_replicate", ask)
	if status, _, got, err := replica.fetch("/x/a/body"); err != nil || status != 200 || len(got) != 1000 {
		t.Errorf("afterwards: %d %.100q %v", status, got, err)
	}
}

// A database keeps no more of what it fetches than it may, and what it was asked for
// last.
func TestDeferredLimit(t *testing.T) {
	source, replica := start(t), start(t)
	source.must("PUT", "/x", nil, nil)
	const n, size = 20, 50_000
	for i := range n {
		source.attach(fmt.Sprintf("/x/m%02d/body", i), "application/octet-stream", noise(uint64(i), size))
	}
	g := newGate(t, source.URL())
	replica.postpone(endpoint(g.URL, "x"), "x")
	replica.must("PUT", "/_node/_local/_config/attachments/max_kept", "300000", nil)
	for i := range n {
		if status, _, got, err := replica.fetch(fmt.Sprintf("/x/m%02d/body", i)); err != nil || status != 200 || !bytes.Equal(got, noise(uint64(i), size)) {
			t.Errorf("%d: %d, %d bytes, %v", i, status, len(got), err)
		}
	}
	var q quota
	if replica.must("GET", "/x/_quota", nil, &q); q.Used == 0 || q.Used > 300_000 {
		t.Errorf("%d bytes are kept", q.Used)
	}
	before := g.fetched.Load()
	if replica.fetch(fmt.Sprintf("/x/m%02d/body", n-1)); g.fetched.Load() != before {
		t.Error("what was fetched last is not kept")
	}
	if replica.fetch("/x/m00/body"); g.fetched.Load() != before+1 {
		t.Error("what was fetched first is kept")
	}
	replica.must("PUT", "/x/_quota", object{"max_bytes": 1}, nil)
	replica.must("PUT", "/_node/_local/_config/attachments/max_kept", "0", nil)
	if status, _, got, err := replica.fetch("/x/m01/body"); err != nil || status != 200 || !bytes.Equal(got, noise(1, size)) {
		t.Errorf("over quota: %d, %d bytes, %v", status, len(got), err)
	}
}
