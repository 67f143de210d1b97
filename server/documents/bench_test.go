package documents_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"testing"
)

// discarded is an answer that nobody looks at.
type discarded struct{ header http.Header }

func (d discarded) Header() http.Header         { return d.header }
func (d discarded) Write(p []byte) (int, error) { return len(p), nil }
func (d discarded) WriteHeader(int)             {}

func (b *bench) serve(s step, body io.Reader) {
	b.handler.ServeHTTP(discarded{http.Header{}}, s.request(body))
}

func BenchmarkPut(b *testing.B) {
	bench := newBench(b)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		bench.serve(step{do: fmt.Sprintf("PUT /db/d%d", i)}, bytes.NewReader([]byte(`{"title":"a note","text":"of some words"}`)))
	}
}

func BenchmarkGet(b *testing.B) {
	bench := newBench(b)
	bench.play(step{do: "PUT /db/d", body: `{"title":"a note","text":"of some words"}`, status: 201})
	b.ReportAllocs()
	for b.Loop() {
		bench.serve(step{do: "GET /db/d"}, http.NoBody)
	}
}

func BenchmarkBulkDocs1000(b *testing.B) {
	bench := newBench(b)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		body := []byte(`{"docs":[`)
		for j := range 1000 {
			if j > 0 {
				body = append(body, ',')
			}
			body = fmt.Appendf(body, `{"_id":"d%d-%d","title":"a note","text":"of some words"}`, i, j)
		}
		bench.serve(step{do: "POST /db/_bulk_docs"}, bytes.NewReader(append(body, "]}"...)))
	}
}

func BenchmarkAttachment1MB(b *testing.B) {
	content := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	b.Run("in", func(b *testing.B) {
		bench := newBench(b)
		b.SetBytes(int64(len(content)))
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			bench.serve(step{do: fmt.Sprintf("PUT /db/d%d/x", i), header: octets}, bytes.NewReader(content))
		}
	})
	b.Run("out", func(b *testing.B) {
		bench := newBench(b)
		bench.play(step{do: "PUT /db/d/x", header: octets, body: string(content), status: 201})
		b.SetBytes(int64(len(content)))
		b.ReportAllocs()
		for b.Loop() {
			bench.serve(step{do: "GET /db/d/x"}, http.NoBody)
		}
	})
}
