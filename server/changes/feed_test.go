package changes_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestNormal(t *testing.T) {
	since := newSource("a", "b", "c").FormatSeq(2)
	tests := []struct {
		query, body string
		ids, last   string
		pending     int64
	}{
		{"", "", "abc", "3", 0},
		{"since=0", "", "abc", "3", 0},
		{"since=" + since, "", "c", "3", 0},
		{"since=%22" + since + "%22", "", "c", "3", 0},
		{"since=99-g1AAAABReJzLYWBg", "", "abc", "3", 0},
		{"since=now", "", "", "3", 0},
		{"last-event-id=" + since, "", "c", "3", 0},
		{"last-event-id=" + since + "&since=0", "", "abc", "3", 0},
		{"limit=2", "", "ab", "2", 1},
		{"LIMIT=2", "", "ab", "2", 1},
		{"limit=0", "", "", "0", 3},
		{"filter=/&limit=0", "", "", "0", 3},
		{"limit=-1", "", "abc", "3", 0},
		{"limit=3", "", "abc", "3", 0},
		{"limit=99999999999999999999", "", "abc", "3", 0},
		{"descending=true", "", "cba", "1", 0},
		{"descending=true&limit=1", "", "c", "3", 2},
		{"descending=true&since=" + since, "", "cba", "1", 0},
		{"descending=true&limit=0", "", "", "3", 3},
		{"descending=1", "", "abc", "3", 0},
		{"filter=", "", "abc", "3", 0},
		{"view=v", "", "abc", "3", 0}, // Q3
		{"timeout=-1", "", "abc", "3", 0},
		{"heartbeat=true", "", "abc", "3", 0},
		{"filter=_doc_ids&doc_ids=%5B%22b%22,%22z%22%5D", "", "b", "3", 2},
		{"filter=_doc_ids&doc_ids=%5B%22b%22%5D&limit=1", "", "b", "2", 2},
		{"filter=_doc_ids&doc_ids=%5B%22b%22%5D&limit=0", "", "", "0", 3},
		{"filter=_doc_ids", `{"doc_ids":["c","a","c","x","y"]}`, "ac", "3", 1},
		{"filter=_doc_ids", `{"doc_ids":["c","a"]}`, "ac", "3", 1},
		{"filter=_doc_ids&descending=true", `{"doc_ids":["c","a"]}`, "ca", "1", 1},
		{"filter=_doc_ids", `{"doc_ids":[]}`, "", "3", 3},
		{"filter=_doc_ids&since=now", `{"doc_ids":["a"]}`, "", "3", 0},
		{"filter=_design", "", "", "3", 3},
		{"", `{"doc_ids":["c"]}`, "abc", "3", 0},
		{"", ``, "abc", "3", 0},
		{"", `{"selector":5}`, "abc", "3", 0},
	}
	for _, tt := range tests {
		c := newClient(t, newSource("a", "b", "c"))
		var a *answer
		if tt.body != "" || strings.Contains(tt.query, "POST") {
			a = c.get(tt.query, tt.body)
		} else {
			a = c.get(tt.query)
		}
		ids, last, pending := a.result(t)
		if ids != tt.ids || last != tt.last || pending != tt.pending {
			t.Errorf("%s %s: rows %q, last_seq %s, pending %d; want %q, %s, %d", tt.query, tt.body, ids, last, pending, tt.ids, tt.last, tt.pending)
		}
	}
}

func TestPathsBehindTheFeed(t *testing.T) {
	for _, more := range []string{"/", "/x", "/x/y", "/x%2Fy"} {
		c := newClient(t, newSource("a", "b", "c"))
		if ids, last, _ := c.getBehind(more, "limit=2").result(t); ids != "ab" || last != "2" {
			t.Errorf("GET %s: rows %q, last_seq %s", more, ids, last)
		}
		if ids, _, _ := c.getBehind(more, "filter=_doc_ids", `{"doc_ids":["c"]}`).result(t); ids != "c" {
			t.Errorf("POST %s: rows %q", more, ids)
		}
	}
}

func TestLastSeqOfDesignFilter(t *testing.T) {
	c := newClient(t, newSource("_design/a", "b", "_design/c", "d"))
	ids, last, pending := c.get("filter=_design").result(t)
	if ids != "_design/a_design/c" || last != "4" || pending != 2 {
		t.Errorf("rows %q, last_seq %s, pending %d", ids, last, pending)
	}
	ids, last, pending = c.get("filter=_design&limit=1").result(t)
	if ids != "_design/a" || last != "1" || pending != 3 {
		t.Errorf("limited: rows %q, last_seq %s, pending %d", ids, last, pending)
	}
}

// Updates that change no document leave last_seq at the last row.
func TestUpdateWithoutRow(t *testing.T) {
	s := newSource("a", "b")
	s.settle()
	if _, last, _ := newClient(t, s).get("").result(t); last != "2" {
		t.Errorf("last_seq %s, want 2", last)
	}
}

func TestForm(t *testing.T) {
	s := newSource("a", "b")
	seq1, seq2 := s.FormatSeq(1), s.FormatSeq(2)
	row1 := `{"seq":"` + seq1 + `","id":"a","changes":[{"rev":"1-x"}]}`
	row2 := `{"seq":"` + seq2 + `","id":"b","changes":[{"rev":"1-x"}]}`
	end := `"last_seq":"` + seq2 + `","pending":0}` + "\n"
	tests := []struct{ query, contentType, cache, body string }{
		{"", "application/json", "must-revalidate", "{\"results\":[\n" + row1 + ",\r\n" + row2 + "\n],\n" + end},
		{"feed=longpoll", "application/json", "must-revalidate", "{\"results\":[\n" + row1 + ",\r\n" + row2 + "\n],\n" + end},
		{"feed=continuous&limit=2", "application/json", "must-revalidate", row1 + "\n" + row2 + "\n{" + end},
		{"feed=eventsource&limit=2", "text/event-stream", "no-cache",
			"data: " + row1 + "\nid: \"" + seq1 + "\"\n\ndata: " + row2 + "\nid: \"" + seq2 + "\"\n\n\n"},
	}
	for _, tt := range tests {
		a := newClient(t, s).get(tt.query)
		<-a.done
		if got := a.Body.String(); got != tt.body {
			t.Errorf("%s:\n%s\nwant\n%s", tt.query, got, tt.body)
		}
		if got := a.Header().Get("Content-Type"); got != tt.contentType {
			t.Errorf("%s: Content-Type %s", tt.query, got)
		}
		if got := a.Header().Get("Cache-Control"); got != tt.cache {
			t.Errorf("%s: Cache-Control %s", tt.query, got)
		}
	}
}

func TestSeqInterval(t *testing.T) {
	s := newSource("a", "b", "c", "d", "e")
	tests := []struct{ query, shown string }{
		{"seq_interval=1", "abcde"},
		{"seq_interval=2", "ace"},
		{"seq_interval=3", "be"},
		{"seq_interval=10", "a"},
		{"seq_interval=2&limit=5", "bd"},
		{"seq_interval=2&limit=5&feed=continuous", "bd"},
	}
	for _, tt := range tests {
		a := newClient(t, s).get(tt.query)
		<-a.done
		var shown string
		for i, id := range []string{"a", "b", "c", "d", "e"} {
			if strings.Contains(a.Body.String(), `{"seq":"`+string(rune('1'+i))+"-") {
				shown += id
			}
		}
		if shown != tt.shown {
			t.Errorf("%s: sequences at %q, want %q", tt.query, shown, tt.shown)
		}
	}
}

func TestETag(t *testing.T) {
	s := newSource("a")
	c := newClient(t, s)
	first := c.get("")
	<-first.done
	tag := first.Header().Get("ETag")
	if tag == "" {
		t.Fatal("no ETag")
	}
	for _, want := range []int{http.StatusNotModified, http.StatusOK} {
		rec, req := recorded("GET", "/alpha/_changes")
		req.Header.Set("If-None-Match", tag)
		c.handler.ServeHTTP(rec, req)
		if rec.Code != want {
			t.Errorf("status %d, want %d", rec.Code, want)
		}
		s.settle()
	}
	rec, req := recorded("HEAD", "/alpha/_changes?feed=continuous")
	c.handler.ServeHTTP(rec, req)
	if rec.Code != http.StatusOK || rec.Body.Len() > 0 {
		t.Errorf("HEAD: %d %q", rec.Code, rec.Body)
	}
}

func TestLongpollWakesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSource("a", "b")
		a := newClient(t, s).get("feed=longpoll&since=now&timeout=10000")
		time.Sleep(3 * time.Second)
		s.settle() // no row: it goes on waiting
		time.Sleep(3 * time.Second)
		s.write("a")
		if ids, last, _ := a.result(t); ids != "a" || last != "4" {
			t.Errorf("rows %q, last_seq %s", ids, last)
		}
		if a.ended != 6*time.Second {
			t.Errorf("ended after %v", a.ended)
		}
	})
}

// A commit at the worst moment, when the feed has just asked how far the
// database has come, wakes it as any other does, and is shown once.
func TestCommitWhileReading(t *testing.T) {
	tests := []struct{ query, ids, want string }{
		{"since=now&limit=1", "", "a 3/1"},
		{"limit=3", "", "b a b 4/0"},
		{"limit=2", `["b","a"]`, "b a 3/1"},
		{"limit=3", `["b","a"]`, "b a b 4/0"},
		{"limit=3", `["x","y","z","b","a"]`, "b a b 4/0"},
		{"limit=1", `["a"]`, "a 3/1"},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			s := newSource("a", "b")
			s.after = map[int]func(){2: func() { s.write("a") }, 3: func() { s.write("b") }}
			query := "feed=continuous&heartbeat=1000&" + tt.query
			c := newClient(t, s)
			var feed *answer
			if tt.ids == "" {
				feed = c.get(query)
			} else {
				feed = c.get(query+"&filter=_doc_ids", `{"doc_ids":`+tt.ids+`}`)
			}
			<-feed.done
			if got := feed.lines(t); got != tt.want || feed.ended > 0 {
				t.Errorf("%s %s: %s after %v, want %s", tt.query, tt.ids, got, feed.ended, tt.want)
			}
		})
	}
}

func TestTimeout(t *testing.T) {
	tests := []struct {
		query string
		want  time.Duration
	}{
		{"timeout=1500", 1500 * time.Millisecond},
		{"", 60 * time.Second},
		{"timeout=3600000", 60 * time.Second},
		{"timeout=0", 0},
		{"timeout=-5", 0},
		{"timeout=1000&limit=0", time.Second},
		{"timeout=1000&limit=-1", time.Second},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			for _, feed := range []string{"longpoll", "continuous", "eventsource"} {
				if feed != "longpoll" && strings.Contains(tt.query, "limit") { // nothing is left to wait for
					tt.want = 0
				}
				a := newClient(t, newSource("a")).get("feed=" + feed + "&since=now&" + tt.query)
				<-a.done
				if a.Code != 200 || a.ended != tt.want {
					t.Errorf("%s %s: status %d after %v, want %v", feed, tt.query, a.Code, a.ended, tt.want)
				}
			}
		})
	}
}

// A row restarts the clock of the timeout; a commit that shows nothing does not.
func TestTimeoutAfterRow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSource("a")
		a := newClient(t, s).get("feed=continuous&timeout=1000")
		time.Sleep(900 * time.Millisecond)
		s.write("b")
		time.Sleep(900 * time.Millisecond)
		s.settle()
		<-a.done
		if got := a.lines(t); got != "a b 2/0" || a.ended != 1900*time.Millisecond {
			t.Errorf("%s after %v", got, a.ended)
		}
	})
}

func TestHeartbeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSource("a")
		c := newClient(t, s)
		a := c.get("feed=continuous&heartbeat=1000&timeout=10")
		poll := c.get("feed=longpoll&since=now&heartbeat=1000")
		events := c.get("feed=eventsource&since=now&heartbeat=1000")
		slow := c.get("feed=continuous&since=now&heartbeat=true")
		time.Sleep(2500 * time.Millisecond)
		s.write("b")
		time.Sleep(1200 * time.Millisecond)
		synctest.Wait()
		if got := a.lines(t); got != "a . . b ." {
			t.Errorf("continuous: %s", got)
		}
		if got := slow.lines(t); got != "b" {
			t.Errorf("heartbeat=true: %s", got)
		}
		if ids, _, _ := poll.result(t); ids != "b" || strings.Count(poll.Body.String(), "[\n\n\n{") != 1 {
			t.Errorf("longpoll: %q", poll.Body)
		}
		// The commit wakes an eventsource with a heartbeat of its own.
		if n := strings.Count(events.text(), "event: heartbeat\ndata: \n\n"); n != 4 {
			t.Errorf("eventsource: %d heartbeats\n%s", n, events.text())
		}
		time.Sleep(60 * time.Second)
		synctest.Wait()
		if got := slow.lines(t); got != "b ." {
			t.Errorf("heartbeat=true: %s", got)
		}
		close(c.draining)
		<-a.done
	})
}

// A filter that leaves out rows for long does not silence the heartbeats.
func TestHeartbeatWhileSkipping(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSource("a", "b", "c", "d", "e", "f", "_design/x")
		s.delay = 400 * time.Millisecond
		a := newClient(t, s).get("feed=continuous&filter=_design&heartbeat=1000&limit=1")
		<-a.done
		if got := a.lines(t); got != ". . _design/x 7/6" {
			t.Errorf("%s", got)
		}
	})
}

func TestRowsAreFlushed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSource("a", "b", "c")
		s.delay = time.Second
		a := newClient(t, s).get("feed=continuous&limit=3")
		time.Sleep(2500 * time.Millisecond)
		if got := a.lines(t); got != "a b" {
			t.Errorf("%q", got)
		}
		<-a.done
		want := []time.Duration{0, time.Second, 2 * time.Second, 3 * time.Second} // the header, then the rows
		if got := a.flushes(); len(got) < 4 || !slices.Equal(got[:4], want) {
			t.Errorf("flushed at %v", got)
		}
	})
}

// A feed that waits has told the client that it is there.
func TestHeaderBeforeWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, newSource())
		for _, feed := range []string{"longpoll", "continuous", "eventsource"} {
			a := c.get("feed=" + feed)
			synctest.Wait()
			if len(a.flushes()) == 0 {
				t.Errorf("%s: nothing was sent", feed)
			}
		}
		close(c.draining)
	})
}

func TestDatabaseDeleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSource("a")
		c := newClient(t, s)
		poll, lines, events := c.get("feed=longpoll&since=now"), c.get("feed=continuous"), c.get("feed=eventsource")
		synctest.Wait()
		s.drop()
		if ids, last, pending := poll.result(t); poll.Code != 200 || ids != "" || last != "1" || pending != 0 {
			t.Errorf("longpoll: %d %s", poll.Code, poll.Body)
		}
		<-lines.done
		if got := lines.lines(t); got != "a 1/0" {
			t.Errorf("continuous: %s", got)
		}
		<-events.done
		after := c.get("feed=longpoll")
		if <-after.done; after.Code != 404 {
			t.Errorf("a feed on a deleted database: %d", after.Code)
		}
	})
}

func TestShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, newSource("a"))
		poll, lines := c.get("feed=longpoll&since=now&heartbeat=5000"), c.get("feed=continuous&heartbeat=5000")
		time.Sleep(time.Second)
		close(c.draining)
		if ids, last, _ := poll.result(t); ids != "" || last != "1" {
			t.Errorf("longpoll: %s", poll.Body)
		}
		<-lines.done
		if got := lines.lines(t); got != "a 1/0" || lines.ended != time.Second {
			t.Errorf("continuous: %s after %v", got, lines.ended)
		}
	})
}

// A feed that is catching up ends at the next row, and says where it is.
func TestShutdownWhileReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSource("a", "b", "c", "d")
		s.delay = time.Second
		c := newClient(t, s)
		a := c.get("feed=continuous")
		time.Sleep(2500 * time.Millisecond)
		close(c.draining)
		<-a.done
		if got := a.lines(t); got != "a b 2/2" {
			t.Errorf("%s", got)
		}
	})
}

func TestClientGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newClient(t, newSource("a")).get("feed=continuous&heartbeat=1000")
		synctest.Wait()
		a.cancel()
		<-a.done
		if got := a.lines(t); got != "a" {
			t.Errorf("%s", got)
		}
	})
}
