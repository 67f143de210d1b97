package uploads_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"settle/storage/couch"
)

// deadlined is an answer whose connection notes that its reads are ended.
type deadlined struct {
	*httptest.ResponseRecorder
	ended atomic.Bool
}

func (d *deadlined) SetReadDeadline(time.Time) error {
	d.ended.Store(true)
	return nil
}

// Only what reads a body is interrupted: net/http reads on the connection of any other
// request, and takes the end of that read for the client's.
func TestWaitedFor(t *testing.T) {
	for _, tt := range []struct {
		name, method, body string
		cut                bool
		status, next       int // what it is answered, and a HEAD that comes meanwhile
	}{
		{"a HEAD", "HEAD", "", false, 200, 200},
		{"a DELETE", "DELETE", "", false, 204, 404},
		{"a PATCH of nothing", "PATCH", "", false, 204, 200},
		{"a PATCH", "PATCH", "456", true, 204, 200},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				first, next := overlapping(tt.method, tt.body)
				if first.Code != tt.status || first.ended.Load() != tt.cut {
					t.Errorf("%d, interrupted: %v", first.Code, first.ended.Load())
				}
				if next.Code != tt.next {
					t.Errorf("the HEAD: %d", next.Code)
				}
			})
		})
	}
}

// overlapping sends a request about an upload, and a HEAD while that one works on it.
func overlapping(method, body string) (first, next *deadlined) {
	s := newStore()
	id := couch.BlobID{1}
	s.uploads[id] = couch.Upload{ID: id, Owner: "ida", Length: 10}
	lookups, goOn := 0, make(chan struct{})
	s.lookup = func() {
		if lookups++; lookups == 2 { // it has the upload to itself
			<-goOn
		}
	}
	handler := newHandler(s, couch.Limits{})
	send := func(method, body string) *deadlined {
		req := httptest.NewRequest(method, "/db/_uploads/"+id.String(), strings.NewReader(body))
		req.SetBasicAuth("ida", "")
		for _, h := range [][2]string{{"Tus-Resumable", "1.0.0"}, {"Content-Type", "application/offset+octet-stream"}, {"Upload-Offset", "0"}} {
			req.Header.Set(h[0], h[1])
		}
		w := &deadlined{ResponseRecorder: httptest.NewRecorder()}
		go handler.ServeHTTP(w, req)
		synctest.Wait()
		return w
	}
	first = send(method, body)
	next = send("HEAD", "")
	close(goOn)
	synctest.Wait()
	return first, next
}

// A part that has come as a whole is taken, also where it is interrupted behind its end.
// The connection is of no more use then.
func TestInterruptedBehindTheEnd(t *testing.T) {
	s := newStore()
	handler := newHandler(s, couch.Limits{})
	var part context.Context // of the PATCH
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "PATCH" {
			part = r.Context()
		}
		handler.ServeHTTP(w, r)
	}))
	defer server.Close()
	b := &bench{t: t, store: s, url: server.URL}
	url := b.create(10, "123")
	read := make(chan struct{})
	s.read = func() {
		close(read)
		<-part.Done() // by the interrupt
	}
	req := b.request("PATCH", url, strings.NewReader("4567890"), "Upload-Offset", "3")
	answered := make(chan *http.Response, 1)
	go func() {
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			res = &http.Response{Status: err.Error(), Body: http.NoBody}
		}
		res.Body.Close()
		answered <- res
	}()
	<-read
	if res := b.send("HEAD", url, nil); res.StatusCode != 200 || res.Header.Get("Upload-Offset") != "10" {
		t.Errorf("HEAD: %s, offset %s", res.Status, res.Header.Get("Upload-Offset"))
	}
	if res := <-answered; res.StatusCode != 204 || res.Header.Get("Upload-Offset") != "10" || !res.Close {
		t.Errorf("PATCH: %s, offset %s, the connection ends: %v", res.Status, res.Header.Get("Upload-Offset"), res.Close)
	}
}
