package server_test

import (
	"bufio"
	"context"
	"encoding/json"
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
	store, err := storage.Open(t.Context(), storage.Options{KV: engine, Keyring: keyring, BlobFS: mem, BlobDir: "data/blobs"})
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
		r.end(3 * time.Second)
		if err := store.Close(); err != nil {
			t.Error(err)
		}
		if err := engine.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// end shuts the server down and returns how long it took.
func (r *running) end(patience time.Duration) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	began := time.Now()
	err := r.Shutdown(ctx)
	return time.Since(began), err
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
	took, err := r.end(10 * time.Second)
	if err != nil || took > 3*time.Second {
		t.Errorf("%v: %v", took, err)
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

func TestShutdownLetsWritesFinish(t *testing.T) {
	r := start(t)
	r.ok("PUT", "/alpha", "")
	body, rest := io.Pipe()
	answer := make(chan *http.Response)
	go func() { answer <- r.send("PUT", "/alpha/slow", body) }()
	if _, err := rest.Write([]byte(`{"begun":true,`)); err != nil {
		t.Fatal(err)
	}
	time.Sleep(50 * time.Millisecond) // until the handler reads
	ended := make(chan error)
	go func() {
		_, err := r.end(10 * time.Second)
		ended <- err
	}()
	time.Sleep(100 * time.Millisecond)
	if _, err := rest.Write([]byte(`"ended":true}`)); err != nil {
		t.Fatal(err)
	}
	rest.Close()
	res := <-answer
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
	conn, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	io.WriteString(conn, "PUT /alpha/stuck HTTP/1.1\r\nHost: x\r\nAuthorization: Basic YWRtaW46cGFzcw==\r\nContent-Length: 100\r\n\r\n{")
	time.Sleep(50 * time.Millisecond)
	took, err := r.end(1500 * time.Millisecond)
	if err != nil || took > 1400*time.Millisecond {
		t.Errorf("%v: %v", took, err)
	}
	if line, err := bufio.NewReader(conn).ReadString('\n'); strings.Contains(line, "201") {
		t.Errorf("%q %v", line, err)
	}
}
