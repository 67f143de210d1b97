package bench

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"settle/compat-tests/settletest"
)

// BenchmarkIdleFeeds opens many continuous feeds of one database and then writes
// documents. An operation is one document, from the request to write it until
// every feed has its row. kB/feed is what the feeds add to the server's resident
// memory while they wait.
func BenchmarkIdleFeeds(b *testing.B) {
	s := start(b)
	n := size(b, "SETTLE_BENCH_FEEDS", 10_000)
	s.do("PUT", "/alpha", nil)
	s.do("PUT", "/alpha/first", strings.NewReader("{}"))
	before := s.resident()
	feeds := s.openFeeds(n)
	time.Sleep(2 * time.Second) // until the server has gone quiet
	perFeed := func() float64 { return float64(s.resident()-before) / 1000 / float64(n) }
	idle := perFeed()
	s.saveProfile("feeds-heap", "heap")

	rows, slowest := int64(0), time.Duration(0)
	for b.Loop() {
		began := time.Now()
		s.do("PUT", fmt.Sprintf("/alpha/doc-%d", rows), strings.NewReader(`{"a":1}`))
		rows++
		feeds.await(b, rows*int64(n))
		slowest = max(slowest, time.Since(began))
	}
	b.ReportMetric(slowest.Seconds()*1000, "ms-slowest")
	b.ReportMetric(idle, "kB/feed")
	b.ReportMetric(perFeed(), "kB/feed-woken")
}

// feeds are open continuous feeds.
type feeds struct {
	rows   atomic.Int64 // that have arrived, of all feeds
	failed chan error
}

// openFeeds opens n feeds from now on, a connection each. They end with the
// benchmark.
func (s *server) openFeeds(n int) *feeds {
	s.b.Helper()
	address := strings.TrimPrefix(s.URL(), "http://")
	login := base64.StdEncoding.EncodeToString([]byte(settletest.AdminName + ":" + settletest.AdminPassword))
	request := "GET /alpha/_changes?feed=continuous&since=now&heartbeat=60000 HTTP/1.1\r\nHost: x\r\nAuthorization: Basic " + login + "\r\n\r\n"
	f := &feeds{failed: make(chan error, n)}
	var open sync.WaitGroup
	slots := make(chan struct{}, 64)
	for range n {
		slots <- struct{}{}
		conn, err := net.Dial("tcp", address)
		if err != nil {
			s.b.Fatal(err)
		}
		s.b.Cleanup(func() { conn.Close() })
		open.Add(1)
		go f.read(conn, request, func() { open.Done(); <-slots })
	}
	open.Wait()
	return f
}

// read sends the request, tells once the feed's header is there, and counts the
// rows.
func (f *feeds) read(conn net.Conn, request string, opened func()) {
	lines := bufio.NewReaderSize(conn, 512)
	_, err := io.WriteString(conn, request)
	for err == nil { // the header ends with an empty line
		var line []byte
		if line, err = lines.ReadSlice('\n'); len(line) == 2 {
			break
		}
	}
	opened()
	for err == nil {
		var line []byte
		if line, err = lines.ReadSlice('\n'); strings.HasPrefix(string(line), `{"seq":`) {
			f.rows.Add(1)
		}
	}
	f.failed <- err
}

// await waits until so many rows have arrived.
func (f *feeds) await(b *testing.B, rows int64) {
	b.Helper()
	for f.rows.Load() < rows {
		select {
		case err := <-f.failed:
			b.Fatalf("a feed has ended: %v", err)
		case <-time.After(time.Millisecond):
		}
	}
}
