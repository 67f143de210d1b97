package changes_test

import (
	"context"
	"iter"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"settle/server/web"
	"settle/storage/couch"
)

// docSource is a source whose documents say something, by id; those of ids
// without a body are not stored any more. Each has its winner "1-x", and where
// there is a body for "id 1-y" that leaf as well.
type docSource struct {
	*source
	bodies map[string]string
}

func newDocSource(bodies map[string]string, ids ...string) *docSource {
	s := &docSource{newSource(ids...), bodies}
	for i := range s.rows {
		if _, ok := bodies[string(s.rows[i].ID)+" 1-y"]; ok {
			s.rows[i].Revs = append(s.rows[i].Revs, couch.RevID{Gen: 1, Hash: "y"})
		}
	}
	return s
}

func (s *docSource) Changes(ctx context.Context, o couch.ChangesOptions) iter.Seq2[couch.Change, error] {
	return func(yield func(couch.Change, error) bool) {
		for c, err := range s.source.Changes(ctx, o) {
			if !o.AllLeaves && err == nil {
				c.Revs = c.Revs[:1]
			}
			if o.IncludeDocs && err == nil {
				c.Doc, _ = s.Get(ctx, c.ID, couch.GetOptions{Rev: c.Revs[0], Conflicts: o.Doc.Conflicts})
			}
			if !yield(c, err) {
				return
			}
		}
	}
}

func (s *docSource) Get(_ context.Context, id couch.DocID, o couch.GetOptions) (*couch.Document, error) {
	key := string(id)
	if o.Rev.Hash != "x" {
		key += " " + o.Rev.String()
	}
	body, ok := s.bodies[key]
	if !ok {
		return nil, couch.ErrNotFound
	}
	doc := &couch.Document{ID: id, Revisions: couch.PathTo(o.Rev), Body: couch.Body{Text: []byte(body)}}
	if o.Conflicts {
		doc.Conflicts = []couch.RevID{{Gen: 1, Hash: "y"}}
	}
	return doc, nil
}

func newDocClient(t *testing.T, s *docSource) *client {
	draining := make(chan struct{})
	h := newHandler(func(string) (web.Database, error) { return s, nil }, draining)
	return &client{t: t, handler: h, draining: draining, start: time.Now()}
}

func TestSelector(t *testing.T) {
	bodies := map[string]string{
		"a": `{"n":1}`, "b": `{"n":2}`, "c": `{"n":1}`, "d": `{"n":2}`, "e": `{"n":2}`, // f is gone
	}
	tests := []struct {
		query, selector string
		ids, last       string
		pending         int64
	}{
		{"", `{}`, "abcde", "6", 0},
		{"", `{"n":1}`, "ac", "6", 0},
		{"", `{"n":3}`, "", "6", 0},
		{"", `{"_id":{"$gt":"c"}}`, "de", "6", 0},
		{"", `{"_rev":"1-x"}`, "abcde", "6", 0},
		{"conflicts=true", `{"_conflicts":{"$exists":true}}`, "", "6", 0},
		{"limit=1", `{"n":1}`, "a", "2", 5}, // b is left out
		{"limit=2", `{"n":1}`, "ac", "4", 3},
		{"limit=1", `{"n":2}`, "b", "3", 4},
		{"limit=2", `{"n":2}`, "bd", "4", 2}, // e is for the next feed
		{"limit=3", `{"n":2}`, "bde", "6", 1},
		{"limit=4", `{"n":2}`, "bde", "6", 0},
		{"limit=0", `{"n":1}`, "", "0", 6},
		{"limit=-1", `{"n":1}`, "ac", "6", 0},
		{"descending=true", `{"n":1}`, "ca", "1", 0},
		{"descending=true&limit=1", `{"n":1}`, "c", "2", 2},
		{"since=now", `{"n":1}`, "", "6", 0},
		{"feed=longpoll&limit=1", `{"n":1}`, "a", "2", 5},
	}
	for _, tt := range tests {
		c := newDocClient(t, newDocSource(bodies, "a", "b", "c", "d", "e", "f"))
		ids, last, pending := c.get("filter=_selector&"+tt.query, `{"selector":`+tt.selector+`}`).result(t)
		if ids != tt.ids || last != tt.last || pending != tt.pending {
			t.Errorf("%s %s: rows %q, last_seq %s, pending %d; want %q, %s, %d", tt.query, tt.selector, ids, last, pending, tt.ids, tt.last, tt.pending)
		}
	}
}

// With style=all_docs the selector is asked about every leaf.
func TestSelectorOnLeaves(t *testing.T) {
	bodies := map[string]string{"a": `{"n":1}`, "a 1-y": `{"n":2}`, "b": `{"n":2}`, "b 1-y": `{"n":2}`}
	for query, want := range map[string]string{
		"style=main_only": `{"id":"b","changes":[{"rev":"1-x"}]}`,
		"style=all_docs":  `{"id":"a","changes":[{"rev":"1-y"}]} {"id":"b","changes":[{"rev":"1-x"},{"rev":"1-y"}]}`,
		"style=all_docs&include_docs=true&limit=1": `{"id":"a","changes":[{"rev":"1-y"}],"doc":{"_id":"a","_rev":"1-x","n":1}}`,
	} {
		a := newDocClient(t, newDocSource(bodies, "a", "b")).get("filter=_selector&seq_interval=7777777&"+query, `{"selector":{"n":2}}`)
		<-a.done
		var rows []string
		for line := range strings.Lines(a.text()) {
			if line = strings.TrimRight(line, ",\r\n"); strings.HasPrefix(line, `{"seq":null,`) {
				rows = append(rows, strings.Replace(line, `"seq":null,`, "", 1))
			}
		}
		if got := strings.Join(rows, " "); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
}

func TestSelectorFields(t *testing.T) {
	bodies := map[string]string{"a": `{"n":1,"o":{"x":[1,2],"y":3}}`}
	for fields, want := range map[string]string{
		`["n"]`:             `{"n":1}`,
		`["o.x","_id"]`:     `{"o":{"x":[1,2]},"_id":"a"}`,
		`["none","o.none"]`: `{}`,
		`[]`:                `{"_id":"a","_rev":"1-x","n":1,"o":{"x":[1,2],"y":3}}`,
	} {
		a := newDocClient(t, newDocSource(bodies, "a")).get("filter=_selector&include_docs=true", `{"selector":{},"fields":`+fields+`}`)
		<-a.done
		if !strings.Contains(a.text(), `"doc":`+want+`}`) {
			t.Errorf("fields %s: %s, want %s", fields, a.text(), want)
		}
	}
}

// Rows that a selector leaves out do not silence the heartbeats.
func TestSelectorHeartbeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newDocSource(map[string]string{"f": `{"n":1}`}, "a", "b", "c", "d", "e", "f")
		s.delay = 600 * time.Millisecond
		a := newDocClient(t, s).get("feed=continuous&filter=_selector&heartbeat=1000&limit=1", `{"selector":{"n":1}}`)
		<-a.done
		if got := a.lines(t); got != ". . f 6/0" {
			t.Errorf("%q", got)
		}
	})
}

// A waiting feed is not ended by changes that its selector leaves out.
func TestSelectorWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newDocSource(map[string]string{"a": `{"n":2}`, "b": `{"n":2}`, "c": `{"n":1}`}, "a")
		c := newDocClient(t, s)
		poll := c.get("feed=longpoll&filter=_selector&timeout=5000", `{"selector":{"n":1}}`)
		lines := c.get("feed=continuous&filter=_selector&timeout=5000", `{"selector":{"n":1}}`)
		for _, id := range []string{"b", "c"} {
			time.Sleep(time.Second)
			synctest.Wait()
			if got := lines.text(); got != "" {
				t.Errorf("before %s: %q", id, got)
			}
			s.write(id)
		}
		if ids, last, pending := poll.result(t); ids != "c" || last != "3" || pending != 0 || poll.ended != 2*time.Second {
			t.Errorf("longpoll: rows %q, last_seq %s, pending %d, after %v", ids, last, pending, poll.ended)
		}
		<-lines.done
		if got := lines.lines(t); got != "c 3/0" {
			t.Errorf("continuous: %q", got)
		}
	})
}
