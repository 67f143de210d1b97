// Package sidetest is the conformance suite of replication.Source and replication.Target.
package sidetest

import (
	"bytes"
	"context"
	"crypto/md5"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"settle/replication"
	"settle/storage/couch"
)

// Side is a database that is both.
type Side interface {
	replication.Source
	replication.Target
}

// Run tests the sides that open returns: each of a database of its own, which is not
// there yet, and which the user may make.
func Run(t *testing.T, open func(t *testing.T) Side) {
	for name, test := range map[string]func(*testing.T, Side){
		"missing": missing, "created": created, "checkpoints": checkpoints, "documents": documents, "refusals": refusals,
		"attachments": attachments, "changes": changes, "waiting": waiting, "filters": filters,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

func missing(t *testing.T, s Side) {
	if _, err := s.Open(t.Context()); !errors.Is(err, &replication.Error{Kind: replication.Missing}) {
		t.Errorf("a database that is not there: %v", err)
	}
}

func created(t *testing.T, s Side) {
	first := made(t, s)
	if err := s.Create(t.Context(), nil); err != nil {
		t.Errorf("made twice: %v", err)
	}
	again, err := s.Commit(t.Context())
	if err != nil || again != first || first.InstanceStart == "" {
		t.Errorf("the database is %+v, then %+v, %v", first, again, err)
	}
}

// made makes the database and opens it.
func made(t *testing.T, s Side) replication.Info {
	t.Helper()
	if err := s.Create(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	info, err := s.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return info
}

func checkpoints(t *testing.T, s Side) {
	made(t, s)
	if c, err := s.Checkpoint(t.Context(), "one"); c != nil || err != nil {
		t.Fatalf("a checkpoint that was not put: %+v, %v", c, err)
	}
	rev := ""
	for n, seq := range []replication.Seq{"3-abc", "17"} {
		put := &replication.Checkpoint{SessionID: fmt.Sprint("s", n), LastSeq: seq, Version: replication.IDVersion, Rev: rev}
		put.History = []replication.Session{{SessionID: put.SessionID, Recorded: seq, StartSeq: "0", EndSeq: seq}}
		if err := s.PutCheckpoint(t.Context(), "one", put); err != nil || put.Rev == rev {
			t.Fatalf("revision %q, %v", put.Rev, err)
		}
		got, err := s.Checkpoint(t.Context(), "one")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(put, got); diff != "" {
			t.Errorf("(-put +got):\n%s", diff)
		}
		rev = put.Rev
	}
}

// revision is a revision of a document, the first of a path.
func revision(id string, path ...couch.RevID) *replication.Revision {
	doc := &couch.Document{ID: couch.DocID(id), Body: couch.Body{Text: []byte(`{"at":"` + path[0].String() + `"}`)}}
	doc.Revisions.Start = path[0].Gen
	for _, rev := range path {
		doc.Revisions.Hashes = append(doc.Revisions.Hashes, rev.Hash)
	}
	return &replication.Revision{Doc: doc}
}

// shown is how fetch tells of a revision without its attachments.
func shown(id string, path ...couch.RevID) string {
	doc := revision(id, path...).Doc
	text := id
	for i := range path {
		text += " " + doc.Revisions.Rev(i).String()
	}
	return text + " " + string(doc.Body.Text)
}

// attach gives a revision an attachment with content, or a stub of one.
func attach(r *replication.Revision, name, content string, revpos uint64, stub bool) *replication.Revision {
	a := couch.Attachment{Name: name, ContentType: "application/octet-stream", RevPos: revpos, Stub: stub, Length: int64(len(content)), Digest: md5.Sum([]byte(content))}
	if !stub {
		r.Contents = append(r.Contents, replication.Content{Index: len(r.Doc.Attachments), Length: a.Length, Digest: a.Digest, Open: func() (io.ReadCloser, error) {
			return io.NopCloser(strings.NewReader(content)), nil
		}})
	}
	r.Doc.Attachments = append(r.Doc.Attachments, a)
	return r
}

func yield(revs ...*replication.Revision) iter.Seq2[*replication.Revision, error] {
	return func(yield func(*replication.Revision, error) bool) {
		for _, r := range revs {
			if !yield(r, nil) {
				return
			}
		}
	}
}

func write(t *testing.T, s Side, revs ...*replication.Revision) {
	t.Helper()
	results, err := s.Write(t.Context(), yield(revs...))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		if r.Err != nil {
			t.Fatalf("%s: %v", r.ID, r.Err)
		}
	}
}

// fetch tells what comes of asks: each revision with its path, its attachments as stubs
// or with what they hold.
func fetch(t *testing.T, s Side, asks ...replication.Ask) []string {
	t.Helper()
	got := []string{}
	for rev, err := range s.Fetch(t.Context(), asks) {
		if err != nil {
			t.Fatal(err)
		}
		if rev.Doc == nil {
			got = append(got, "gone")
			continue
		}
		var path []couch.RevID
		for i := range rev.Doc.Revisions.Hashes {
			path = append(path, rev.Doc.Revisions.Rev(i))
		}
		text := shown(string(rev.Doc.ID), path...)
		if want := revision(string(rev.Doc.ID), path...).Doc.Body.Text; !bytes.Equal(rev.Doc.Body.Text, want) {
			t.Errorf("%s says %s", rev.Doc.ID, rev.Doc.Body.Text)
		}
		contents := make(map[int]string)
		for _, c := range rev.Contents {
			body, err := c.Open()
			if err != nil {
				t.Fatal(err)
			}
			content, err := io.ReadAll(body)
			body.Close()
			if err != nil || c.Encoding == "" && int64(len(content)) != c.Length {
				t.Fatalf("%d bytes instead of %d, %v", len(content), c.Length, err)
			}
			contents[c.Index] = string(content)
		}
		for i, a := range rev.Doc.Attachments {
			content, comes := contents[i]
			switch {
			case a.Stub && comes:
				t.Errorf("%s: %s is a stub and comes", rev.Doc.ID, a.Name)
			case a.Stub:
				content = "stub"
			case !comes:
				content = "deferred"
			}
			text += fmt.Sprintf(" %s@%d:%s", a.Name, a.RevPos, content)
		}
		got = append(got, text)
	}
	slices.Sort(got)
	return got
}

func same(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func rev(s string) couch.RevID {
	id, err := couch.ParseRev(s)
	if err != nil {
		panic(err)
	}
	return id
}

// The revisions of the tests, with hashes as every server takes them.
var (
	first = rev("1-" + strings.Repeat("a1", 16))
	left  = rev("2-" + strings.Repeat("b2", 16))
	right = rev("2-" + strings.Repeat("c2", 16))
	last  = rev("3-" + strings.Repeat("d3", 16))
)

func documents(t *testing.T, s Side) {
	made(t, s)
	write(t, s, revision("umlaut ü/+%", first))
	write(t, s, revision("umlaut ü/+%", left, first), revision("umlaut ü/+%", right, first), revision("other", first))
	diffs, err := s.RevsDiff(t.Context(), []couch.RevsAsk{
		{ID: "umlaut ü/+%", Revs: []couch.RevID{left, last}}, {ID: "other", Revs: []couch.RevID{first}}, {ID: "new", Revs: []couch.RevID{first}},
	})
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	for _, d := range diffs {
		if len(d.Missing) > 0 {
			told = append(told, fmt.Sprint(d.ID, " ", len(d.Missing), d.Missing[0] == last || d.Missing[0] == first, len(d.PossibleAncestors) > 0))
		}
	}
	slices.Sort(told)
	same(t, "missing", told, "new 1 true false", "umlaut ü/+% 1 true true")
	both := []string{shown("umlaut ü/+%", left, first), shown("umlaut ü/+%", right, first)}
	same(t, "two leaves", fetch(t, s, replication.Ask{ID: "umlaut ü/+%", Revs: []couch.RevID{left, right}}), both...)
	same(t, "what is not there", fetch(t, s, replication.Ask{ID: "none", Revs: []couch.RevID{first}}), "gone")
}

func refusals(t *testing.T, s Side) {
	made(t, s)
	results, err := s.Write(t.Context(), yield(revision("fine", first), revision("_not", first)))
	if err == nil {
		refused := 0
		for _, r := range results {
			if r.Err != nil {
				refused++
			}
		}
		if refused != 1 {
			t.Errorf("%d were refused: %+v", refused, results)
		}
	} else if !replication.IsRefusal(err) {
		t.Errorf("a bad id: %v", err)
	}
	stub := attach(revision("stub", left, first), "a", "content", 1, true)
	if _, err := s.Write(t.Context(), yield(stub)); !errors.Is(err, couch.ErrMissingStub) {
		t.Errorf("a stub of nothing: %v", err)
	}
	broken := errors.New("broken")
	_, err = s.Write(t.Context(), func(yield func(*replication.Revision, error) bool) { yield(nil, broken) })
	if !errors.Is(err, broken) {
		t.Errorf("the source's error: %v", err)
	}
}

func attachments(t *testing.T, s Side) {
	made(t, s)
	large := string(bytes.Repeat([]byte("0123456789"), 20_000))
	write(t, s, attach(attach(revision("d", first), "large", large, 1, false), "ü b/c +", "small", 1, false))
	edited := attach(attach(revision("d", left, first), "large", large, 1, true), "new", "", 2, false)
	write(t, s, edited)
	whole := shown("d", left, first)
	ask := replication.Ask{ID: "d", Revs: []couch.RevID{left}}
	same(t, "all contents", fetch(t, s, ask), whole+" large@1:"+large+" new@2:")
	ask.Since = []couch.RevID{first}
	same(t, "since the first", fetch(t, s, ask), whole+" large@1:stub new@2:")
	ask.Deferred = true
	same(t, "deferred since the first", fetch(t, s, ask), whole+" large@1:stub new@2:deferred")
	ask.Since = nil
	same(t, "deferred", fetch(t, s, ask), whole+" large@1:deferred new@2:deferred")
	o, ok := s.(replication.Origin)
	if !ok {
		t.Fatal("no single contents are given")
	}
	d := couch.Deferral{ID: "d", Rev: first, Name: "large", Length: int64(len(large)), Digest: md5.Sum([]byte(large))}
	in, err := o.Attachment(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Body.Close()
	if got, err := io.ReadAll(in.Body); err != nil || string(got) != large || in.Gzip || in.Digest != d.Digest {
		t.Errorf("a single content: %d bytes, %v", len(got), err)
	}
	d.Name = "none"
	if _, err := o.Attachment(t.Context(), d); !errors.Is(err, &couch.Error{Kind: couch.Gone}) {
		t.Errorf("a content that is not there: %v", err)
	}
}

// feed tells of the changes of a feed, up to its end or an error.
func feed(t *testing.T, s Side, f replication.Feed) (rows []string, last string) {
	t.Helper()
	last = f.Since
	for c, err := range s.Changes(t.Context(), f) {
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, fmt.Sprint(c.ID, " ", len(c.Revs)))
		last = c.Seq
	}
	slices.Sort(rows)
	return rows, last
}

func changes(t *testing.T, s Side) {
	made(t, s)
	write(t, s, revision("a", left, first), revision("a", right, first), revision("b", first))
	rows, end := feed(t, s, replication.Feed{Since: "0"})
	same(t, "all leaves", rows, "a 2", "b 1")
	rows, _ = feed(t, s, replication.Feed{Since: "0", WinningOnly: true})
	same(t, "winners", rows, "a 1", "b 1")
	if n, err := s.Pending(t.Context(), end); err != nil || n > 0 {
		t.Errorf("%d changes are pending at the end, %v", n, err)
	}
	write(t, s, revision("c", first))
	rows, _ = feed(t, s, replication.Feed{Since: end})
	same(t, "behind the first", rows, "c 1")
	if n, err := s.Pending(t.Context(), end); err != nil || n != 1 && n != -1 {
		t.Errorf("%d changes are pending, %v", n, err)
	}
}

func waiting(t *testing.T, s Side) {
	made(t, s)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	seen := make(chan string)
	ended := make(chan error, 1)
	go func() {
		for c, err := range s.Changes(ctx, replication.Feed{Since: "0", Wait: true}) {
			if err != nil {
				ended <- err
				return
			}
			seen <- string(c.ID)
		}
		ended <- nil
	}()
	for _, id := range []string{"one", "two"} {
		write(t, s, revision(id, first))
		select {
		case got := <-seen:
			if got != id {
				t.Errorf("saw %q, want %q", got, id)
			}
		case <-ctx.Done():
			t.Fatalf("%s is not seen", id)
		}
	}
	cancel()
	<-ended
}

func filters(t *testing.T, s Side) {
	made(t, s)
	design := revision("_design/d", first)
	design.Doc.Body.Text = []byte(`{"filters":{"f":"function(doc, req){ return doc._id === req.query.id; }"}}`)
	write(t, s, design, revision("a", first), revision("b", first))
	rows, _ := feed(t, s, replication.Feed{Since: "0", Filter: replication.Filter{DocIDs: []couch.DocID{"b", "none"}}})
	same(t, "by ids", rows, "b 1")
	rows, _ = feed(t, s, replication.Feed{Since: "0", Filter: replication.Filter{Selector: []byte(`{"_id":"a"}`)}})
	same(t, "by selector", rows, "a 1")
	rows, _ = feed(t, s, replication.Feed{Since: "0", Filter: replication.Filter{Function: "d/f", Params: []replication.Param{{Name: "id", Value: "b"}}}})
	same(t, "by function", rows, "b 1")
	code, err := s.FilterCode(t.Context(), "d", "f")
	if err != nil || !strings.Contains(code, "req.query.id") {
		t.Errorf("the function is %q, %v", code, err)
	}
	if _, err := s.FilterCode(t.Context(), "d", "none"); err == nil {
		t.Error("a function that is not there has code")
	}
}
