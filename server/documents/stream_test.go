package documents_test

import (
	"compress/gzip"
	"crypto/md5"
	"encoding/base64"
	"fmt"
	"hash"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// large is what the streaming tests move: much more than they may allocate.
const large = 48 << 20

// mostAllocated is what moving a large content may allocate, buffers of the HTTP
// server and client included.
const mostAllocated = 8 << 20

// noise gives random bytes, and sums them up.
func noise(sum hash.Hash) io.Reader {
	source := rand.NewChaCha8([32]byte{1})
	return io.TeeReader(io.LimitReader(source, large), sum)
}

// allocated runs f and returns how many bytes it has allocated.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// inBase64 gives the base64 of a stream, without allocating it.
func inBase64(r io.Reader) io.Reader {
	pr, pw := io.Pipe()
	go func() {
		enc := base64.NewEncoder(base64.StdEncoding, pw)
		_, err := io.Copy(enc, r)
		enc.Close()
		pw.CloseWithError(err)
	}()
	return pr
}

// inGzip gives the gzip of a stream.
func inGzip(r io.Reader) io.Reader {
	pr, pw := io.Pipe()
	go func() {
		enc := gzip.NewWriter(pw)
		_, err := io.Copy(enc, r)
		enc.Close()
		pw.CloseWithError(err)
	}()
	return pr
}

// Contents of any size go in and out in every form, whole, in little memory.
func TestContentsStream(t *testing.T) {
	b := newBenchOn(t, vfs.Default, t.TempDir())
	server := httptest.NewServer(b.handler)
	defer server.Close()

	in := map[string]struct {
		path, contentType string
		body              func(io.Reader) io.Reader
	}{
		"standalone": {"/db/standalone/x", "application/octet-stream", func(r io.Reader) io.Reader { return r }},
		"inline": {"/db/inline", "application/json", func(r io.Reader) io.Reader {
			return io.MultiReader(strings.NewReader(`{"_attachments":{"x":{"data":"`), inBase64(r), strings.NewReader(`"}}}`))
		}},
		"packed": {"/db/packed", "application/json", func(r io.Reader) io.Reader {
			return io.MultiReader(strings.NewReader(`{"_attachments":{"x":{"data":"`), inBase64(inGzip(r)), strings.NewReader(`","encoding":"gzip"}}}`))
		}},
		"related": {"/db/related", "multipart/related; boundary=B", func(r io.Reader) io.Reader {
			head, tail, _ := strings.Cut(relatedBody(follows(fmt.Sprintf(`"length":%d`, large)), "\x00"), "\x00")
			return io.MultiReader(strings.NewReader(strings.Replace(head, `"a":`, `"x":`, 1)), r, strings.NewReader(tail))
		}},
	}
	out := []struct{ query, accept string }{
		{"/x", "*/*"},
		{"?attachments=true", "application/json"},
		{"?attachments=true", "multipart/related"},
		{"?open_revs=all", "multipart/mixed"},
	}
	for name, c := range in {
		sum := md5.New()
		used := allocated(func() {
			req, _ := http.NewRequest("PUT", server.URL+c.path, c.body(noise(sum)))
			req.Header.Set("Content-Type", c.contentType)
			res, err := server.Client().Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			if res.StatusCode != 201 {
				text, _ := io.ReadAll(res.Body)
				t.Fatalf("%s: %s %s", name, res.Status, text)
			}
		})
		if used > mostAllocated {
			t.Errorf("%s in: %d bytes allocated for %d", name, used, large)
		}
		b.play(step{do: "GET /db/" + name, status: 200, has: []string{
			base64.StdEncoding.EncodeToString(sum.Sum(nil)), fmt.Sprintf(`"length":%d`, large)}})
	}
	for _, c := range out {
		used := allocated(func() {
			req, _ := http.NewRequest("GET", server.URL+"/db/related"+c.query, nil)
			req.Header.Set("Accept", c.accept)
			res, err := server.Client().Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			if n, err := io.Copy(io.Discard, res.Body); err != nil || n < large {
				t.Errorf("%s as %s: %d bytes, error %v", c.query, c.accept, n, err)
			}
		})
		if used > mostAllocated {
			t.Errorf("%s as %s: %d bytes allocated for %d", c.query, c.accept, used, large)
		}
	}
}

// batchWithoutEnd is the first part of a batch: documents that do not get smaller, and
// that are more than is kept in memory, and contents that have files.
func batchWithoutEnd(size int) string {
	var b strings.Builder
	b.WriteString(`{"docs":[`)
	noise, data := noiseOf(size), strings.Repeat("QUJD", 1<<15)
	for i := 0; b.Len() < size; i++ {
		text := noise[i*1000 : (i+1)*1000]
		fmt.Fprintf(&b, `{"_id":"%d","text":"%x"},`, i, text)
		if i%100 == 0 {
			fmt.Fprintf(&b, `{"_id":"with-%d","_attachments":{"x":{"data":"%s"}}},`, i, data)
		}
	}
	return b.String() + `{"_attachments":{"x":{"data":"` + data
}

// A client that goes away in the middle of an upload leaves nothing behind.
func TestUploadCutOff(t *testing.T) {
	b := newBench(t)
	done := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.handler.ServeHTTP(w, r)
		done <- struct{}{}
	}))
	defer server.Close()
	half := strings.Repeat("QUJD", 1<<18)
	for do, c := range map[string]struct{ contentType, body string }{
		"PUT /db/d/x":         {"application/octet-stream", half},
		"PUT /db/d":           {"application/json", `{"_attachments":{"w":{"data":"` + half + `"},"x":{"data":"` + half},
		"PUT /db/e":           {"multipart/related; boundary=B", relatedBody(follows(`"length":9000000`), half)[:1<<19]},
		"POST /db/_bulk_docs": {"application/json", batchWithoutEnd(6 << 20)},
	} {
		b.unchanged(func() {
			conn, err := net.Dial("tcp", server.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(conn, "%s HTTP/1.1\r\nHost: h\r\nContent-Type: %s\r\nContent-Length: 99999999\r\n\r\n%s", do, c.contentType, c.body)
			conn.Close()
			<-done
		})
	}
}

// A content that turns out to be damaged while it is sent cuts the connection:
// the client must not take the part for the whole.
func TestDamagedContentCutsTheAnswer(t *testing.T) {
	b := newBench(t)
	content := strings.Repeat("x", 1<<20)
	b.play(step{do: "PUT /db/d/x", header: octets, body: content, status: 201})
	file := b.state().files[0]
	b.damage(file, 900<<10)

	server := httptest.NewServer(b.handler)
	defer server.Close()
	for _, path := range []string{"/db/d/x", "/db/d?attachments=true", "/db/d?open_revs=all"} {
		res, err := server.Client().Get(server.URL + path)
		if err != nil {
			continue // cut before the header had been read
		}
		_, err = io.ReadAll(res.Body)
		res.Body.Close()
		if err == nil {
			t.Errorf("%s: a damaged content was sent as if it were whole", path)
		}
	}
	b.play(step{do: "DELETE /db/d?rev=" + b.rev("d"), status: 200})
	b.repair(file, 900<<10)
}

// damage flips a byte of a file; repair flips it back.
func (b *bench) damage(file string, at int64) { b.repair(file, at) }

func (b *bench) repair(file string, at int64) {
	b.t.Helper()
	f, err := b.blobFS.OpenReadWrite(file, vfs.WriteCategoryUnspecified)
	if err != nil {
		b.t.Fatal(err)
	}
	defer f.Close()
	var one [1]byte
	if _, err := f.ReadAt(one[:], at); err != nil {
		b.t.Fatal(err)
	}
	one[0] ^= 1
	if _, err := f.WriteAt(one[:], at); err != nil {
		b.t.Fatal(err)
	}
}

// rev returns the winner of a document.
func (b *bench) rev(id string) string {
	b.t.Helper()
	res := b.send(step{do: "HEAD /db/" + id})
	return strings.Trim(res.Header().Get("ETag"), `"`)
}
