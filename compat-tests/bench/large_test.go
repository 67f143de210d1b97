package bench

import (
	"bytes"
	"crypto/md5"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"settle/compat-tests/settletest"
)

const binary = "application/octet-stream"

// ways are the paths by which the content of an attachment comes in and goes out.
// Each takes the number of the document, which is its own.
var ways = []struct {
	name string
	in   bool
	move func(s *server, doc string, length int64)
}{
	{"in/standalone", true, func(s *server, doc string, n int64) {
		s.do("PUT", "/alpha/"+doc+"/a", noise(n), "Content-Type", binary)
	}},
	{"in/related", true, func(s *server, doc string, n int64) {
		head := "--x\r\nContent-Type: application/json\r\n\r\n" +
			fmt.Sprintf(`{"_attachments":{"a":{"follows":true,"length":%d}}}`, n) + "\r\n--x\r\n\r\n"
		s.do("PUT", "/alpha/"+doc, io.MultiReader(strings.NewReader(head), noise(n), strings.NewReader("\r\n--x--")), "Content-Type", `multipart/related;boundary="x"`)
	}},
	{"in/bulk_docs", true, func(s *server, doc string, n int64) {
		s.do("POST", "/alpha/_bulk_docs", inline(doc, n))
	}},
	{"in/upload", true, upload},
	{"out/standalone", false, func(s *server, doc string, n int64) { s.do("GET", "/alpha/"+doc+"/a", nil) }},
	{"out/open_revs", false, func(s *server, doc string, n int64) {
		s.do("GET", "/alpha/"+doc+"?open_revs=all", nil, "Accept", "multipart/mixed")
	}},
	{"out/bulk_get", false, func(s *server, doc string, n int64) {
		s.do("POST", "/alpha/_bulk_get?attachments=true", strings.NewReader(`{"docs":[{"id":"`+doc+`"}]}`), "Accept", "application/json")
	}},
}

// inline is a batch of one document whose content is in base64.
func inline(doc string, n int64) io.Reader {
	r, w := io.Pipe()
	go func() {
		io.WriteString(w, `{"docs":[{"_id":"`+doc+`","_attachments":{"a":{"data":"`)
		encoder := base64.NewEncoder(base64.StdEncoding, w)
		io.Copy(encoder, noise(n))
		encoder.Close()
		_, err := io.WriteString(w, `"}}}]}`)
		w.CloseWithError(err)
	}()
	return r
}

// upload makes an upload in four parts, and a document of it.
func upload(s *server, doc string, n int64) {
	req, err := http.NewRequest("POST", s.URL()+"/alpha/_uploads", nil)
	if err != nil {
		s.b.Fatal(err)
	}
	req.SetBasicAuth(settletest.AdminName, settletest.AdminPassword)
	req.Header.Set("Tus-Resumable", "1.0.0")
	req.Header.Set("Upload-Length", strconv.FormatInt(n, 10))
	res, err := s.client.Do(req)
	if err != nil {
		s.b.Fatal(err)
	}
	res.Body.Close()
	path := strings.TrimPrefix(res.Header.Get("Location"), s.URL())
	for at := int64(0); at < n; at += n / 4 {
		s.do("PATCH", path, noise(n/4), "Tus-Resumable", "1.0.0", "Upload-Offset", strconv.FormatInt(at, 10), "Content-Type", "application/offset+octet-stream")
	}
	s.do("PUT", "/alpha/"+doc, strings.NewReader(`{"_attachments":{"a":{"upload":"`+path[strings.LastIndex(path, "/")+1:]+`"}}}`))
}

// BenchmarkLarge moves a large content by each path, one and sixteen at a time. MB-grown
// is how much more memory the server held meanwhile than when it was idle.
// SETTLE_BENCH_LARGE is the length of one transfer, in MiB (1024); of sixteen each has
// a sixteenth of it.
func BenchmarkLarge(b *testing.B) {
	length := int64(size(b, "SETTLE_BENCH_LARGE", 1024)) << 20
	for _, way := range ways {
		for _, clients := range []int{1, 16} {
			b.Run(fmt.Sprintf("%s/clients=%d", way.name, clients), func(b *testing.B) {
				s := start(b)
				s.do("PUT", "/alpha", nil)
				each := length / int64(clients)
				if !way.in {
					for i := range clients {
						s.do("PUT", fmt.Sprintf("/alpha/doc-%d/a", i), noise(each), "Content-Type", binary)
					}
				}
				s.Stop()
				s.Restart()
				s.do("GET", "/alpha", nil)
				time.Sleep(200 * time.Millisecond)
				before := s.resident()
				var n atomic.Int64
				b.SetBytes(length)
				for b.Loop() {
					var transfers sync.WaitGroup
					for i := range clients {
						doc := fmt.Sprintf("doc-%d", i)
						if way.in {
							doc = fmt.Sprintf("new-%d", n.Add(1))
						}
						transfers.Go(func() { way.move(s, doc, each) })
					}
					transfers.Wait()
				}
				b.ReportMetric(float64(s.peak()-before)/(1<<20), "MiB-grown")
			})
		}
	}
}

// BenchmarkPlainFile is what BenchmarkLarge's standalone path is measured by: the same
// content through the same HTTP stack, into a file with fsync, and out of it. PUT-md5
// also makes the digest that CouchDB's protocol shows of each attachment.
func BenchmarkPlainFile(b *testing.B) {
	length := int64(size(b, "SETTLE_BENCH_LARGE", 1024)) << 20
	path := filepath.Join(b.TempDir(), "plain")
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "GET" {
			f, err := os.Open(path)
			if err == nil {
				_, err = io.Copy(struct{ io.Writer }{w}, f) // bytes that are seen, as they must be to be sealed
				f.Close()
			}
			if err != nil {
				b.Error(err)
			}
			return
		}
		f, err := os.Create(path)
		if err == nil {
			var to io.Writer = f
			if r.URL.Path == "/md5" {
				to = io.MultiWriter(f, md5.New())
			}
			_, err = io.Copy(to, r.Body)
		}
		if err == nil {
			err = f.Sync()
		}
		if err != nil {
			b.Error(err)
		}
		f.Close()
	}))
	defer plain.Close()
	for _, way := range []string{"PUT", "PUT-md5", "GET"} {
		b.Run(way, func(b *testing.B) {
			method, what, _ := strings.Cut(way, "-")
			b.SetBytes(length)
			for b.Loop() {
				var body io.Reader
				if method == "PUT" {
					body = noise(length)
				}
				req, err := http.NewRequest(method, plain.URL+"/"+what, body)
				if err != nil {
					b.Fatal(err)
				}
				res, err := http.DefaultClient.Do(req)
				if err != nil {
					b.Fatal(err)
				}
				io.Copy(io.Discard, res.Body)
				res.Body.Close()
			}
		})
	}
}

// BenchmarkSmallAttachments writes 1,000 attachments of 10 kB, and 1,000 documents of
// that size, by eight clients.
func BenchmarkSmallAttachments(b *testing.B) {
	const each = 10_000
	random, err := io.ReadAll(noise(64 << 10))
	if err != nil {
		b.Fatal(err)
	}
	contentOf := func(id int64, n int) []byte { return random[int(id)*37%(len(random)-n):][:n] }
	for _, kind := range []string{"attachments", "documents"} {
		b.Run(kind, func(b *testing.B) {
			s := start(b)
			s.do("PUT", "/alpha", nil)
			var n atomic.Int64
			for b.Loop() {
				var clients sync.WaitGroup
				for range 8 {
					clients.Go(func() {
						for range 125 {
							id := n.Add(1)
							if kind == "attachments" {
								s.do("PUT", fmt.Sprintf("/alpha/doc-%d/a", id), bytes.NewReader(contentOf(id, each)), "Content-Type", binary)
								continue
							}
							text := base64.StdEncoding.EncodeToString(contentOf(id, each*3/4))
							s.do("PUT", fmt.Sprintf("/alpha/doc-%d", id), strings.NewReader(`{"text":"`+text+`"}`))
						}
					})
				}
				clients.Wait()
			}
			b.ReportMetric(1000*float64(b.N)/b.Elapsed().Seconds(), "docs/s")
		})
	}
}
