package bench

import (
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
)

// kilobyte is a document of about a kilobyte.
var kilobyte = `{"type":"note","text":"` + strings.Repeat("some words ", 90) + `"}`

// BenchmarkPut writes documents of a kilobyte, durably, by one client and by
// sixteen at a time.
func BenchmarkPut(b *testing.B) {
	for _, clients := range []int{1, 16} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			s := start(b)
			s.do("PUT", "/alpha", nil)
			var n atomic.Int64
			put := func() {
				s.do("PUT", fmt.Sprintf("/alpha/doc-%09d", n.Add(1)), strings.NewReader(kilobyte))
			}
			put()
			before := s.allocated()
			if clients == 1 {
				for b.Loop() {
					put()
				}
			} else {
				b.SetParallelism(clients / 2)
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						put()
					}
				})
			}
			s.reportAllocated(before, b.N)
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "docs/s")
		})
	}
}

// BenchmarkBulkDocs writes a thousand documents of a kilobyte at a time.
func BenchmarkBulkDocs(b *testing.B) {
	s := start(b)
	s.do("PUT", "/alpha", nil)
	batch := `{"docs":[` + strings.Repeat(kilobyte+",", 999) + kilobyte + `]}`
	s.repeat(1000, int64(len(batch)), func() { s.do("POST", "/alpha/_bulk_docs", strings.NewReader(batch)) })
}

// BenchmarkGet reads documents of a kilobyte.
func BenchmarkGet(b *testing.B) {
	s := start(b)
	s.fill(1000)
	i := 0
	s.repeat(1, int64(len(kilobyte)), func() {
		s.do("GET", fmt.Sprintf("/alpha/doc-%09d", i%1000), nil)
		i++
	})
}

// BenchmarkChangesPage reads a thousand changes, without and with documents.
func BenchmarkChangesPage(b *testing.B) {
	for _, query := range []string{"limit=1000", "limit=1000&include_docs=true"} {
		b.Run(query, func(b *testing.B) {
			s := start(b)
			s.fill(2000)
			n := s.do("GET", "/alpha/_changes?"+query, nil)
			s.repeat(1000, n, func() { s.do("GET", "/alpha/_changes?"+query, nil) })
		})
	}
}

// BenchmarkAttachment writes and reads attachments. MB-peak is the most memory
// that the server has held.
func BenchmarkAttachment(b *testing.B) {
	for name, length := range map[string]int64{"1MB": 1 << 20, "100MB": 100 << 20} {
		b.Run("in/"+name, func(b *testing.B) {
			s := start(b)
			s.do("PUT", "/alpha", nil)
			i := 0
			s.repeat(1, length, func() {
				s.do("PUT", fmt.Sprintf("/alpha/doc-%d/a", i), noise(length), "Content-Type", "application/octet-stream")
				i++
			})
			b.ReportMetric(float64(s.peak())/1e6, "MB-peak")
		})
		b.Run("out/"+name, func(b *testing.B) {
			s := start(b)
			s.do("PUT", "/alpha", nil)
			s.do("PUT", "/alpha/doc/a", noise(length), "Content-Type", "application/octet-stream")
			s.repeat(1, length, func() { s.do("GET", "/alpha/doc/a", nil) })
			b.ReportMetric(float64(s.peak())/1e6, "MB-peak")
		})
	}
}

// fill makes a database of n documents of a kilobyte.
func (s *server) fill(n int) {
	s.do("PUT", "/alpha", nil)
	docs := make([]string, n)
	for i := range docs {
		docs[i] = fmt.Sprintf(`{"_id":"doc-%09d",`, i) + kilobyte[1:]
	}
	s.do("POST", "/alpha/_bulk_docs", strings.NewReader(`{"docs":[`+strings.Join(docs, ",")+`]}`))
}

// repeat measures an operation on so many documents and bytes.
func (s *server) repeat(docs int, bytes int64, op func()) {
	s.b.SetBytes(bytes)
	before := s.allocated()
	for s.b.Loop() {
		op()
	}
	s.reportAllocated(before, s.b.N)
	s.b.ReportMetric(float64(docs)*float64(s.b.N)/s.b.Elapsed().Seconds(), "docs/s")
	s.saveProfile(strings.ReplaceAll(s.b.Name(), "/", "-"), "allocs")
}

// noise is a content of n bytes that does not compress.
func noise(n int64) io.Reader {
	g := &generator{block: make([]byte, 64<<10)}
	for i := range g.block {
		g.block[i] = byte(rand.Uint32())
	}
	return io.LimitReader(g, n)
}

// generator repeats a random block.
type generator struct {
	block []byte
	at    int
}

// Read fills p.
func (g *generator) Read(p []byte) (int, error) {
	n := copy(p, g.block[g.at:])
	g.at = (g.at + n) % len(g.block)
	return n, nil
}
