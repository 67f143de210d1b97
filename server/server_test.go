package server_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"settle/server"
	"settle/server/auth"
	"settle/server/config"
	"settle/storage"
	"settle/storage/crypt"
	"settle/storage/design"
	"settle/storage/kv"
	"settle/storage/view"
)

// running is a server that listens, on a store in memory, with the
// administrator admin:pass.
type running struct {
	*server.Server
	t       *testing.T
	options server.Options
	url     string
	served  chan error
}

func start(t *testing.T) *running { return startWith(t, startOptions{}) }

// startOptions is what tests vary.
type startOptions struct {
	certificate *server.Certificate // nil: no TLS
	logger      *slog.Logger        // nil: no log
	now         func() time.Time    // the store's clock; nil: the system's
}

func startWith(t *testing.T, o startOptions) *running {
	t.Helper()
	keyring, err := crypt.NewKeyring()
	if err != nil {
		t.Fatal(err)
	}
	mem := vfs.NewMem()
	engine, err := kv.OpenPebble(kv.PebbleOptions{FS: crypt.NewFS(mem, keyring), Dir: "data", ReserveBytes: -1})
	if err != nil {
		t.Fatal(err)
	}
	store, err := storage.Open(t.Context(), storage.Options{KV: engine, Keyring: keyring, BlobFS: mem, BlobDir: "data/blobs", Now: o.now})
	if err != nil {
		t.Fatal(err)
	}
	conf, err := config.Open(t.Context(), store)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conf.Set(t.Context(), config.PasswordIterations, "10", false); err != nil {
		t.Fatal(err)
	}
	admins, err := auth.Open(t.Context(), auth.Options{
		Settings: store, Policy: server.AuthPolicy(conf), User: "admin", Password: "pass",
	})
	if err != nil {
		t.Fatal(err)
	}
	r := &running{t: t, served: make(chan error, 1)}
	if o.logger == nil {
		o.logger = slog.New(slog.DiscardHandler)
	}
	r.options = server.Options{Store: store, Indexes: view.New(view.Options{}), Functions: design.New(design.Options{}), Auth: admins, Config: conf, Logger: o.logger, Certificate: o.certificate}
	r.Server = server.New(r.options)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.url = "http://" + listener.Addr().String()
	if o.certificate != nil {
		r.url = "https://" + listener.Addr().String()
	}
	go func() { r.served <- r.Serve(listener) }()
	t.Cleanup(func() {
		r.end(10 * time.Second)
		if err := store.Close(); err != nil {
			t.Error(err)
		}
		if err := engine.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// patient is how long a server may take to end where nothing is to be cut.
const patient = 2 * time.Minute

// end shuts the server down.
func (r *running) end(patience time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return r.Shutdown(ctx)
}

// send sends a request as the administrator.
func (r *running) send(method, path string, body io.Reader) *http.Response {
	r.t.Helper()
	req, err := http.NewRequest(method, r.url+path, body)
	if err != nil {
		r.t.Fatal(err)
	}
	req.SetBasicAuth("admin", "pass")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	return res
}

// ok sends a request and fails the test where the answer is none of success.
func (r *running) ok(method, path, body string) string {
	r.t.Helper()
	res := r.send(method, path, strings.NewReader(body))
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode >= 300 {
		r.t.Fatalf("%s %s: %d %s %v", method, path, res.StatusCode, text, err)
	}
	return string(text)
}

func TestFamiliesAreJoined(t *testing.T) {
	r := start(t)
	r.ok("PUT", "/alpha", "")
	r.ok("PUT", "/alpha/doc", `{"a":1}`)
	for _, path := range []string{
		"/", "/_up", "/_session", "/_uuids", "/_all_dbs", "/_dbs_info", "/_node/_local/_config", "/_active_tasks",
		"/alpha", "/alpha/doc", "/alpha/_all_docs", "/alpha/_changes", "/alpha/_security", "/alpha/_local_docs",
	} {
		r.ok("GET", path, "")
	}
	if got := r.ok("GET", "/_all_dbs", ""); got != "[\"alpha\"]\n" {
		t.Error(got)
	}
	req, _ := http.NewRequest("GET", r.url+"/alpha/doc", nil)
	res, err := http.DefaultClient.Do(req)
	if err != nil || res.StatusCode != http.StatusUnauthorized {
		t.Errorf("anonymous: %v %v", res, err)
	}
}

func TestLimitsCountAtOnce(t *testing.T) {
	r := start(t)
	r.ok("PUT", "/alpha", "")
	r.ok("PUT", "/_node/_local/_config/couchdb/max_document_size", `"10"`)
	res := r.send("PUT", "/alpha/big", strings.NewReader(`{"s":"0123456789"}`))
	if res.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("status %d", res.StatusCode)
	}
	r.ok("DELETE", "/_node/_local/_config/couchdb/max_document_size", "")
	r.ok("PUT", "/alpha/big", `{"s":"0123456789"}`)
}

func TestShutdownEndsFeeds(t *testing.T) {
	r := start(t)
	r.ok("PUT", "/alpha", "")
	longpoll := r.send("GET", "/alpha/_changes?feed=longpoll&since=now&heartbeat=50", nil)
	continuous := r.send("GET", "/alpha/_changes?feed=continuous&since=now&heartbeat=50", nil)
	for _, res := range []*http.Response{longpoll, continuous} {
		if _, err := res.Body.Read(make([]byte, 1)); err != nil { // the feed waits
			t.Fatal(err)
		}
	}
	if err := r.end(patient); err != nil {
		t.Error(err)
	}
	if err := <-r.served; err != nil {
		t.Error(err)
	}
	for name, res := range map[string]*http.Response{"longpoll": longpoll, "continuous": continuous} {
		if text, err := io.ReadAll(res.Body); err != nil {
			t.Errorf("%s ended with %v behind %q", name, err, text)
		}
	}
	if _, err := http.Get(r.url); err == nil {
		t.Error("it still answers")
	}
}

// begin sends the head of a PUT with a body of a length, and returns once a handler
// reads the body.
func (r *running) begin(path string, length int) (net.Conn, *bufio.Reader) {
	r.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { conn.Close() })
	fmt.Fprintf(conn, "PUT %s HTTP/1.1\r\nHost: x\r\nAuthorization: Basic YWRtaW46cGFzcw==\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n", path, length)
	answer := bufio.NewReader(conn)
	const want = "HTTP/1.1 100 Continue\r\n\r\n"
	if got, err := io.ReadAll(io.LimitReader(answer, int64(len(want)))); err != nil || string(got) != want {
		r.t.Fatalf("%q %v", got, err)
	}
	return conn, answer
}

func TestShutdownLetsWritesFinish(t *testing.T) {
	r := start(t)
	r.ok("PUT", "/alpha", "")
	const doc = `{"begun":true,"ended":true}`
	conn, answer := r.begin("/alpha/slow", len(doc))
	io.WriteString(conn, doc[:10])
	ended := make(chan error)
	go func() { ended <- r.end(patient) }()
	for { // until the server takes no more connections
		another, err := net.Dial("tcp", conn.RemoteAddr().String())
		if err != nil {
			break
		}
		another.Close()
	}
	io.WriteString(conn, doc[10:])
	res, err := http.ReadResponse(answer, nil)
	if err != nil {
		t.Fatal(err)
	}
	var written struct{ OK bool }
	if err := json.NewDecoder(res.Body).Decode(&written); err != nil || res.StatusCode != 201 || !written.OK {
		t.Errorf("%d %+v %v", res.StatusCode, written, err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestShutdownCutsWhatDoesNotEnd(t *testing.T) {
	r := start(t)
	r.ok("PUT", "/alpha", "")
	conn, answer := r.begin("/alpha/stuck", 100)
	io.WriteString(conn, "{")
	if err := r.end(1500 * time.Millisecond); err != nil {
		t.Error(err)
	}
	if line, err := answer.ReadString('\n'); strings.Contains(line, "201") {
		t.Errorf("%q %v", line, err)
	}
}
