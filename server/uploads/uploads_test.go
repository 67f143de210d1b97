package uploads_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"settle/server/auth"
	"settle/server/uploads"
	"settle/server/web"
	"settle/storage/couch"
)

// store is a database that has uploads alone, in memory.
type store struct {
	mu      sync.Mutex
	uploads map[couch.BlobID]couch.Upload
	content map[couch.BlobID]string
	full    bool          // it has no room for more content
	reading chan struct{} // gets something when a body is about to be read
	// Called, where they are not nil, when an upload is looked up, and when a body is read.
	lookup, read func()
}

func (s *store) Name() string { return "db" }

func (s *store) CreateUpload(_ context.Context, u couch.Upload) (couch.Upload, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u.ID = couch.BlobID{byte(len(s.uploads) + 1)}
	s.uploads[u.ID] = u
	return u, nil
}

func (s *store) Upload(_ context.Context, id couch.BlobID, owner string) (couch.Upload, error) {
	if s.lookup != nil {
		s.lookup()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if u, ok := s.uploads[id]; ok && u.Owner == owner {
		return u, nil
	}
	return couch.Upload{}, couch.ErrNotFound
}

// AppendUpload keeps what comes before an error, as the real one does.
func (s *store) AppendUpload(ctx context.Context, u couch.Upload, r io.Reader) (couch.Upload, error) {
	if s.full {
		return u, couch.ErrNoSpace
	}
	if s.reading != nil {
		s.reading <- struct{}{}
	}
	text, err := io.ReadAll(r)
	if s.read != nil {
		s.read()
	}
	if ctx.Err() != nil {
		return u, ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.content[u.ID] += string(text)
	u.Offset += int64(len(text))
	s.uploads[u.ID] = u
	return u, err
}

func (s *store) RemoveUpload(_ context.Context, id couch.BlobID, _ string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.uploads, id)
	return nil
}

// bench is a server with uploads to one database.
type bench struct {
	t     *testing.T
	store *store
	url   string
}

const expiry = time.Hour

func newBench(t *testing.T, limits couch.Limits) *bench {
	t.Helper()
	s := newStore()
	server := httptest.NewServer(newHandler(s, limits))
	t.Cleanup(server.Close)
	return &bench{t: t, store: s, url: server.URL}
}

func newStore() *store {
	return &store{uploads: map[couch.BlobID]couch.Upload{}, content: map[couch.BlobID]string{}}
}

// newHandler returns what answers requests about a store's uploads.
func newHandler(s *store, limits couch.Limits) http.Handler {
	return web.NewHandler(web.Options{
		Authenticate: func(r *http.Request) (auth.Session, error) {
			name, _, _ := r.BasicAuth()
			return auth.Session{User: couch.UserCtx{Name: name}}, nil
		},
		Challenge: func(*http.Request) string { return "" },
		Access: func(_ context.Context, db web.Database, _ couch.UserCtx) (web.Database, auth.Rights, error) {
			return db, auth.Rights{Role: auth.Member}, nil
		},
		FindDatabase: func(context.Context, string) (web.Database, error) { return s, nil },
		Limits:       func() couch.Limits { return limits }, Draining: make(chan struct{}),
		ServerName: "test", Logger: slog.New(slog.DiscardHandler),
	}, uploads.New(func() time.Duration { return expiry }).Routes())
}

// request returns a request by ida; header are names and values, over those that a client
// sends each time.
func (b *bench) request(method, url string, body io.Reader, header ...string) *http.Request {
	b.t.Helper()
	req, err := http.NewRequest(method, url, body)
	if err != nil {
		b.t.Fatal(err)
	}
	req.SetBasicAuth("ida", "")
	req.Header.Set("Tus-Resumable", "1.0.0")
	req.Header.Set("Content-Type", "application/offset+octet-stream")
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	if name := req.Header.Get("By"); name != "" {
		req.SetBasicAuth(name, "")
	}
	return req
}

// send sends such a request, and returns the answer without its body.
func (b *bench) send(method, url string, body io.Reader, header ...string) *http.Response {
	b.t.Helper()
	res, err := http.DefaultClient.Do(b.request(method, url, body, header...))
	if err != nil {
		b.t.Fatal(err)
	}
	io.Copy(io.Discard, res.Body)
	res.Body.Close()
	return res
}

// create makes an upload, and returns its URL.
func (b *bench) create(length int, body string) string {
	b.t.Helper()
	res := b.send("POST", b.url+"/db/_uploads", strings.NewReader(body), "Upload-Length", fmt.Sprint(length), "Upload-Metadata", "filename eA==")
	if res.StatusCode != http.StatusCreated {
		b.t.Fatal(res.Status)
	}
	return res.Header.Get("Location")
}

func TestCreate(t *testing.T) {
	for _, tt := range []struct {
		name   string
		body   string
		header []string
		status int
		offset string // of the upload that is made; empty: there is none
	}{
		{"empty", "", []string{"Upload-Length", "10"}, 201, "0"},
		{"with its first bytes", "12345", []string{"Upload-Length", "10"}, 201, "5"},
		{"whole", "1234567890", []string{"Upload-Length", "10"}, 201, "10"},
		{"of nothing", "", []string{"Upload-Length", "0"}, 201, "0"},
		{"with a body of another type", "12345", []string{"Upload-Length", "10", "Content-Type", "text/plain"}, 201, "0"},
		{"with a body that is too long", "12345678901", []string{"Upload-Length", "10"}, 413, ""},
		{"larger than may be", "", []string{"Upload-Length", "1001"}, 413, ""},
		{"without a length", "", nil, 400, ""},
		{"of a length below 0", "", []string{"Upload-Length", "-1"}, 400, ""},
		{"of a length that is no number", "", []string{"Upload-Length", "1e3"}, 400, ""},
		{"with much metadata", "", []string{"Upload-Length", "10", "Upload-Metadata", strings.Repeat("x", 4097)}, 400, ""},
		{"of another version", "", []string{"Upload-Length", "10", "Tus-Resumable", "0.2.2"}, 412, ""},
	} {
		b := newBench(t, couch.Limits{MaxAttachmentSize: 1000})
		before := time.Now().Truncate(time.Second)
		res := b.send("POST", b.url+"/db/_uploads", strings.NewReader(tt.body), tt.header...)
		if res.StatusCode != tt.status || res.Header.Get("Tus-Resumable") != "1.0.0" {
			t.Errorf("%s: %s %v", tt.name, res.Status, res.Header)
		}
		if got := res.Header.Get("Upload-Offset"); tt.offset != "" && got != tt.offset {
			t.Errorf("%s: offset %s", tt.name, got)
		}
		location := res.Header.Get("Location")
		if (len(b.store.uploads) == 1) != (tt.offset != "") || (location != "") != (tt.offset != "") {
			t.Errorf("%s: at %q there are %v", tt.name, location, b.store.uploads)
		}
		for id, u := range b.store.uploads {
			if u.Owner != "ida" || location != b.url+"/db/_uploads/"+id.String() || u.Expires.Before(before.Add(expiry)) {
				t.Errorf("%s: at %s there is %+v", tt.name, location, u)
			}
		}
	}
}

// What the first bytes leave is for a PATCH, unless there are none.
func TestCreateWithoutRoom(t *testing.T) {
	b := newBench(t, couch.Limits{})
	b.store.full = true
	res := b.send("POST", b.url+"/db/_uploads", strings.NewReader("12345"), "Upload-Length", "10")
	if res.StatusCode != http.StatusInsufficientStorage || res.Header.Get("Location") != "" || len(b.store.uploads) != 0 {
		t.Errorf("%s %v, %v", res.Status, res.Header, b.store.uploads)
	}
}

func TestOptions(t *testing.T) {
	for _, tt := range []struct {
		max  int64
		want string
	}{{0, ""}, {1000, "1000"}} {
		b := newBench(t, couch.Limits{MaxAttachmentSize: tt.max})
		for _, path := range []string{"/db/_uploads", "/db/_uploads/" + couch.BlobID{1}.String()} {
			res := b.send("OPTIONS", b.url+path, nil, "Tus-Resumable", "0.1")
			got := []string{res.Status, res.Header.Get("Tus-Version"), res.Header.Get("Tus-Extension"), res.Header.Get("Tus-Max-Size")}
			want := []string{"204 No Content", "1.0.0", "creation,creation-with-upload,expiration,termination", tt.want}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", path, diff)
			}
		}
	}
}

func TestOneUpload(t *testing.T) {
	b := newBench(t, couch.Limits{})
	url := b.create(10, "123")
	for _, tt := range []struct {
		name, method, url, body string
		header                  []string
		status                  int
		offset                  string
	}{
		{"asked about", "HEAD", url, "", nil, 200, "3"},
		{"by another", "HEAD", url, "", []string{"By", "eve"}, 404, ""},
		{"added to by another", "PATCH", url, "x", []string{"By", "eve", "Upload-Offset", "3"}, 404, ""},
		{"removed by another", "DELETE", url, "", []string{"By", "eve"}, 404, ""},
		{"unknown", "HEAD", b.url + "/db/_uploads/" + couch.BlobID{9}.String(), "", nil, 404, ""},
		{"no id", "HEAD", b.url + "/db/_uploads/x", "", nil, 404, ""},
		{"at another offset", "PATCH", url, "x", []string{"Upload-Offset", "4"}, 409, ""},
		{"without an offset", "PATCH", url, "x", nil, 400, ""},
		{"of another type", "PATCH", url, "x", []string{"Upload-Offset", "3", "Content-Type", "text/plain"}, 415, ""},
		{"too much", "PATCH", url, "12345678", []string{"Upload-Offset", "3"}, 413, ""},
		{"of another version", "PATCH", url, "x", []string{"Upload-Offset", "3", "Tus-Resumable", "2.0.0"}, 412, ""},
		{"a part", "PATCH", url, "456", []string{"Upload-Offset", "3"}, 204, "6"},
		{"nothing", "PATCH", url, "", []string{"Upload-Offset", "6"}, 204, "6"},
		{"the rest", "PATCH", url, "7890", []string{"Upload-Offset", "6"}, 204, "10"},
		{"asked about when whole", "HEAD", url, "", nil, 200, "10"},
		{"removed", "DELETE", url, "", nil, 204, ""},
		{"removed again", "DELETE", url, "", nil, 404, ""},
	} {
		res := b.send(tt.method, tt.url, strings.NewReader(tt.body), tt.header...)
		if got := res.Header.Get("Upload-Offset"); res.StatusCode != tt.status || got != tt.offset {
			t.Errorf("%s: %s, offset %q", tt.name, res.Status, got)
		}
		if tt.status == 200 {
			got := []string{res.Header.Get("Upload-Length"), res.Header.Get("Upload-Metadata"), res.Header.Get("Cache-Control")}
			if diff := cmp.Diff([]string{"10", "filename eA==", "no-store"}, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tt.name, diff)
			}
		}
	}
	if got := b.store.content[couch.BlobID{1}]; got != "1234567890" {
		t.Errorf("the content is %q", got)
	}
}

// Who asks again has lost the connection on which the last part came: what waits for the
// rest of it ends, and what has come stays.
func TestInterrupted(t *testing.T) {
	for _, method := range []string{"HEAD", "DELETE"} {
		b := newBench(t, couch.Limits{})
		url := b.create(10, "123")
		b.store.reading = make(chan struct{})
		body, feed := io.Pipe()
		answered := make(chan error, 1)
		go func() {
			req, err := http.NewRequest("PATCH", url, body)
			if err != nil {
				answered <- err
				return
			}
			req.SetBasicAuth("ida", "")
			for _, h := range [][2]string{{"Tus-Resumable", "1.0.0"}, {"Content-Type", "application/offset+octet-stream"}, {"Upload-Offset", "3"}} {
				req.Header.Set(h[0], h[1])
			}
			res, err := http.DefaultClient.Do(req)
			if err == nil {
				res.Body.Close()
				if res.StatusCode < 300 {
					err = errors.New(res.Status)
				}
			} else {
				err = nil // the connection is cut
			}
			answered <- err
		}()
		<-b.store.reading
		if res := b.send(method, url, nil); res.StatusCode >= 300 || method == "HEAD" && res.Header.Get("Upload-Offset") != "3" {
			t.Errorf("%s: %s, offset %s", method, res.Status, res.Header.Get("Upload-Offset"))
		}
		feed.Close()
		if err := <-answered; err != nil {
			t.Errorf("%s: the part that hung is answered by %v", method, err)
		}
	}
}
