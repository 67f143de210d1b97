package bench

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// writers is how many clients create databases at a time.
const writers = 16

// tenDocs is what every database gets.
var tenDocs = func() string {
	docs := make([]string, 10)
	for i := range docs {
		docs[i] = fmt.Sprintf(`{"_id":"note-%d","title":"a note","text":"%s"}`, i, strings.Repeat("some text ", 20))
	}
	return `{"docs":[` + strings.Join(docs, ",") + `]}`
}()

// BenchmarkManyDatabases makes many databases of ten documents each and starts
// the server on them. An operation is a start, from the process to the first
// answer, on all of them; ms-start-few is that of a server with a hundred.
// MB-resident is the memory after a start, MB-read after a thousand of the
// databases were then read from, MB-created after all were made.
func BenchmarkManyDatabases(b *testing.B) {
	n := size(b, "SETTLE_BENCH_DATABASES", 100_000)
	s := start(b)
	few := min(100, n)
	s.createDatabases(0, few)
	fewStart := s.restart()
	began := time.Now()
	s.createDatabases(few, n)
	rate := float64(n-few) / time.Since(began).Seconds()
	created := s.resident()
	s.saveProfile("databases-heap-created", "heap")

	var resident, read int64
	for b.Loop() {
		b.StopTimer()
		s.Stop()
		b.StartTimer()
		s.Restart()
		b.StopTimer()
		time.Sleep(2 * time.Second)
		resident = s.resident()
		s.readDatabases(n)
		read = s.resident()
		b.StartTimer()
	}
	s.saveProfile("databases-heap", "heap")
	b.ReportMetric(rate, "created/s")
	b.ReportMetric(fewStart.Seconds()*1000, "ms-start-few")
	b.ReportMetric(float64(created)/1e6, "MB-created")
	b.ReportMetric(float64(resident)/1e6, "MB-resident")
	b.ReportMetric(float64(read)/1e6, "MB-read")
	b.ReportMetric(float64(s.peak())/1e6, "MB-peak")
}

// restart stops the server and returns how long it then takes to start.
func (s *server) restart() time.Duration {
	s.Stop()
	began := time.Now()
	s.Restart()
	return time.Since(began)
}

func databaseName(i int) string { return fmt.Sprintf("user-%06d", i) }

// createDatabases makes the databases from first to end-1.
func (s *server) createDatabases(first, end int) {
	next := atomic.Int64{}
	next.Store(int64(first))
	var clients sync.WaitGroup
	for range writers {
		clients.Go(func() {
			for i := int(next.Add(1)) - 1; i < end && !s.b.Failed(); i = int(next.Add(1)) - 1 {
				s.do("PUT", "/"+databaseName(i), nil)
				s.do("POST", "/"+databaseName(i)+"/_bulk_docs", strings.NewReader(tenDocs))
			}
		})
	}
	clients.Wait()
	if s.b.Failed() {
		s.b.FailNow()
	}
}

// readDatabases reads from a thousand of n databases.
func (s *server) readDatabases(n int) {
	for range min(1000, n) {
		s.do("GET", "/"+databaseName(rand.IntN(n))+"/_all_docs?include_docs=true", nil)
	}
}
