package documents_test

import (
	"context"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"settle/server/documents"
	"settle/server/web"
	"settle/server/web/webtest"
	"settle/storage"
	"settle/storage/check"
	"settle/storage/couch"
	"settle/storage/crypt"
	"settle/storage/kv"
)

var _ documents.Database = (*storage.Database)(nil)

// bench is a server of this family over a real store in memory, with a database,
// "db", and a partitioned one, "parts".
type bench struct {
	t       testing.TB
	handler http.Handler
	db      *storage.Database
	engine  kv.Store
	limits  couch.Limits
	blobFS  vfs.FS
	blobDir string
}

func newBench(t testing.TB) *bench {
	t.Helper()
	return newBenchOn(t, vfs.NewMem(), "data/blobs")
}

// newBenchOn keeps the contents of attachments in a directory of blobFS.
func newBenchOn(t testing.TB, blobFS vfs.FS, blobDir string) *bench {
	t.Helper()
	b := &bench{t: t, blobFS: blobFS, blobDir: blobDir}
	store, engine := openStore(t, blobFS, blobDir)
	b.engine = engine
	var err error
	if b.db, err = store.CreateDatabase(context.Background(), "db", storage.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err = store.CreateDatabase(context.Background(), "parts", storage.CreateOptions{Partitioned: true}); err != nil {
		t.Fatal(err)
	}
	b.handler = b.handlerOver(webtest.In(store))
	return b
}

// handlerOver serves the family over the databases that find finds.
func (b *bench) handlerOver(find func(context.Context, string) (web.Database, error)) http.Handler {
	o := webtest.Options(find)
	o.Limits = func() couch.Limits { return b.limits }
	return web.NewHandler(o, documents.Routes())
}

// openStore opens an empty store, which is checked and closed at the end.
func openStore(t testing.TB, blobFS vfs.FS, blobDir string) (*storage.Store, kv.Store) {
	t.Helper()
	keyring, err := crypt.NewKeyring()
	if err != nil {
		t.Fatal(err)
	}
	engine, err := kv.OpenPebble(kv.PebbleOptions{FS: crypt.NewFS(vfs.NewMem(), keyring), Dir: "data", ReserveBytes: -1})
	if err != nil {
		t.Fatal(err)
	}
	store, err := storage.Open(context.Background(), storage.Options{KV: engine, Keyring: keyring, BlobFS: blobFS, BlobDir: blobDir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		store.Close() // and with it what changes the store in the background
		o := check.Options{KV: engine, Keyring: keyring, BlobFS: blobFS, BlobDir: blobDir}
		if _, err := check.Run(context.Background(), o, func(f check.Finding) { t.Errorf("check: %s", f) }); err != nil {
			t.Errorf("check: %v", err)
		}
		engine.Close()
	})
	return store, engine
}

// step is one request and what its answer has to be.
type step struct {
	do     string // method and path
	header string // lines "Name: value"
	body   string

	status int
	want   string   // the body without the line break behind it; "" is not compared
	has    []string // what the body contains
	head   string   // lines "Name: value" that the answer has
}

// play makes requests one after another.
func (b *bench) play(steps ...step) {
	b.t.Helper()
	for _, s := range steps {
		res := b.send(s)
		body := strings.TrimSuffix(res.Body.String(), "\n")
		if res.Code != s.status {
			b.t.Fatalf("%s: status %d, want %d: %s", s.do, res.Code, s.status, body)
		}
		if s.want != "" && body != s.want {
			b.t.Errorf("%s:\n got %s\nwant %s", s.do, body, s.want)
		}
		for _, part := range s.has {
			if !strings.Contains(body, part) {
				b.t.Errorf("%s: %q is not in %s", s.do, part, body)
			}
		}
		for name, want := range headerLines(s.head) {
			if got := res.Header().Get(name); got != want {
				b.t.Errorf("%s: %s is %q, want %q", s.do, name, got, want)
			}
		}
	}
}

func (b *bench) send(s step) *httptest.ResponseRecorder {
	b.t.Helper()
	req := s.request(strings.NewReader(s.body))
	res := httptest.NewRecorder()
	b.handler.ServeHTTP(res, req)
	return res
}

func (s step) request(body io.Reader) *http.Request {
	method, path, _ := strings.Cut(s.do, " ")
	req := httptest.NewRequest(method, path, body)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	for name, value := range headerLines(s.header) {
		req.Header.Set(name, value)
	}
	return req
}

func headerLines(text string) map[string]string {
	lines := map[string]string{}
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		lines[name] = strings.TrimSpace(value)
	}
	return lines
}

// state sums up what a database holds, to tell whether something has changed.
type state struct {
	info  couch.DatabaseInfo
	local int
	files []string
	parts []kv.Partition // the database's, and what a batch is kept in
}

func (b *bench) state() state {
	b.t.Helper()
	ctx := context.Background()
	info, err := b.db.Info(ctx)
	if err != nil {
		b.t.Fatal(err)
	}
	s := state{info: info}
	for _, err := range b.db.LocalDocs(ctx, couch.AllDocsOptions{Limit: -1}) {
		if err != nil {
			b.t.Fatal(err)
		}
		s.local++
	}
	s.files = b.blobFiles(b.blobDir)
	if s.parts, err = b.engine.Partitions(ctx, kv.Partition{}, kv.PageRows); err != nil {
		b.t.Fatal(err)
	}
	return s
}

// blobFiles lists the files that hold contents of attachments.
func (b *bench) blobFiles(dir string) []string {
	names, err := b.blobFS.List(dir)
	if err != nil {
		return nil
	}
	files := map[string]bool{}
	for _, name := range names {
		path := b.blobFS.PathJoin(dir, name)
		if info, err := b.blobFS.Stat(path); err == nil && info.IsDir() {
			for _, f := range b.blobFiles(path) {
				files[f] = true
			}
		} else {
			files[path] = true
		}
	}
	return slices.Sorted(maps.Keys(files))
}

// unchanged runs f and fails the test if the database is another afterwards.
func (b *bench) unchanged(f func()) {
	b.t.Helper()
	before := b.state()
	f()
	if after := b.state(); !equalStates(before, after) {
		b.t.Errorf("the database has changed:\n%+v\n%+v", before, after)
	}
}

func equalStates(a, b state) bool {
	return a.info == b.info && a.local == b.local && slices.Equal(a.files, b.files) && slices.Equal(a.parts, b.parts)
}
