package documents_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
)

// sink is an answer of which nothing is kept but what its receiver counts.
type sink struct {
	*httptest.ResponseRecorder
	leaves int
	tail   string // of the last write, which may hold the beginning of a leaf
	peak   uint64
	n      int
}

func (s *sink) Write(p []byte) (int, error) {
	const leaf = `"leaf":`
	text := s.tail + string(p)
	s.leaves += strings.Count(text, leaf)
	s.tail = text[max(0, len(text)-len(leaf)+1):]
	if s.n++; s.n%64 == 0 {
		var stats runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&stats)
		s.peak = max(s.peak, stats.HeapAlloc)
	}
	return len(p), nil
}

// All leaves of a document are told, in each form, and few are in memory at a time.
func TestManyLargeLeaves(t *testing.T) {
	b := newBench(t)
	const leaves, size = 100, 256 << 10
	for i := range leaves {
		doc := fmt.Sprintf(`{"_id":"d","_rev":"1-%03d","leaf":%d,"text":"%s"}`, i, i, strings.Repeat("x", size))
		b.play(step{do: "PUT /db/d?new_edits=false", body: doc, status: 201})
	}
	for _, s := range []step{
		{do: "GET /db/d?open_revs=all"},
		{do: "GET /db/d?open_revs=all&revs=true", header: "Accept: multipart/mixed"},
		{do: "POST /db/_bulk_get", body: `{"docs":[{"id":"d"}]}`},
		{do: "POST /db/_bulk_get", body: `{"docs":[{"id":"d"}]}`, header: "Accept: multipart/mixed"},
	} {
		var before runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		to := &sink{ResponseRecorder: httptest.NewRecorder()}
		b.handler.ServeHTTP(to, s.request(strings.NewReader(s.body)))
		if to.Code != http.StatusOK || to.leaves != leaves {
			t.Errorf("%s: status %d, %d leaves", s.do, to.Code, to.leaves)
		}
		if to.peak > before.HeapAlloc+12<<20 {
			t.Errorf("%s: the heap grew from %d to %d", s.do, before.HeapAlloc, to.peak)
		}
	}
}
