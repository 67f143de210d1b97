package edits_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"settle/storage/couch"
	"settle/storage/edits"
	"settle/storage/spool"
)

var errTest = errors.New("test")

// Batches one after the other, and what each document's leaves are in the end.
func TestWrite(t *testing.T) {
	const conflict = " Document update conflict."
	type batch struct {
		kind edits.Kind
		docs []string
		want []string // for each document its id and its new generation, or the error
	}
	for _, tt := range []struct {
		name    string
		batches []batch
		leaves  map[couch.DocID][]string
	}{
		{"edits of one document go in their order", []batch{
			{edits.Interactive, []string{`{"_id":"b","n":1}`, `{"_id":"a","n":1}`, `{"_id":"b","n":2}`}, []string{"b 1", "a 1", "b" + conflict}},
		}, nil},
		{"an edit of nothing", []batch{
			{edits.Interactive, []string{`{"_id":"a","_rev":"1-x"}`}, []string{"a" + conflict}},
			{edits.Interactive, []string{`{"_id":"b"}`, `{"_id":"a","_rev":"1-x"}`}, []string{"b 1", "a" + conflict}},
			{edits.Interactive, []string{`{"_id":"a","_rev":"1-x"}`}, []string{"a 2"}}, // as CouchDB does
		}, nil},
		{"paths are merged", []batch{
			{edits.Replicated, []string{`{"_id":"a","_revisions":{"start":2,"ids":["b","a"]}}`, `{"_id":"a","_revisions":{"start":2,"ids":["c","a"]}}`}, []string{"a 2", "a 2"}},
			{edits.Replicated, []string{`{"_id":"a","_revisions":{"start":3,"ids":["d","c"]}}`}, []string{"a 3"}},
			{edits.Replicated, []string{`{"_id":"a","_revisions":{"start":2,"ids":["b","a"]}}`}, []string{"a 2"}},
		}, map[couch.DocID][]string{"a": {"2-b", "3-d"}}},
		{"an edit of a leaf that is not the winner", []batch{
			{edits.Replicated, []string{`{"_id":"a","_rev":"1-x"}`, `{"_id":"a","_rev":"1-y"}`}, []string{"a 1", "a 1"}},
			{edits.Interactive, []string{`{"_id":"a","_rev":"1-x"}`, `{"_id":"a","_rev":"1-z"}`}, []string{"a 2", "a" + conflict}},
		}, nil},
		{"a deleted document is made anew on its winner", []batch{
			{edits.Replicated, []string{`{"_id":"a","_revisions":{"start":2,"ids":["b","a"]},"_deleted":true}`}, []string{"a 2"}},
			{edits.Interactive, []string{`{"_id":"a","_rev":"2-b"}`, `{"_id":"a"}`}, []string{"a" + conflict, "a 3"}},
		}, nil},
		{"partitions", []batch{
			{edits.Interactive, []string{`{"_id":"_design/d","options":{"partitioned":true}}`, `{"_id":"_design/e","options":{"partitioned":false}}`},
				[]string{"_design/d partitioned option cannot be true in a non-partitioned database.", "_design/e 1"}},
		}, nil},
	} {
		b := newBench(t)
		for _, batch := range tt.batches {
			got, err := b.write(batch.kind, batch.docs...)
			if diff := cmp.Diff(batch.want, results(got)); err != nil || diff != "" {
				t.Errorf("%s: %q: %v (-want +got):\n%s", tt.name, batch.docs, err, diff)
			}
		}
		for id, want := range tt.leaves {
			if diff := cmp.Diff(want, b.leaves(id)); diff != "" {
				t.Errorf("%s: leaves of %s (-want +got):\n%s", tt.name, id, diff)
			}
		}
	}
}

// A batch that does not fit into memory is rehearsed, and its spool is dropped.
func TestLargeBatch(t *testing.T) {
	b := newBench(t)
	b.o.Spool.Limit = spool.Limit{Docs: 7}
	var texts, want []string
	for i := range 50 {
		id := fmt.Sprintf("d%02d", (i*37)%50)
		texts, want = append(texts, `{"_id":"`+id+`"}`), append(want, id+" 1")
	}
	got, err := b.write(edits.Interactive, texts...)
	if diff := cmp.Diff(want, results(got)); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if m := b.meta(); m.DocCount != 50 || m.UpdateSeq != 50 || len(b.dropped) != 1 {
		t.Errorf("%d documents at sequence %d; spools that are dropped: %v", m.DocCount, m.UpdateSeq, b.dropped)
	}
}

// Where nothing is written the error says why, and new contents are discarded.
func TestNothingIsWritten(t *testing.T) {
	interactive := func() (edits.Kind, error) { return edits.Interactive, nil }
	for _, tt := range []struct {
		name   string
		change func(*edits.Options)
		kind   func() (edits.Kind, error)
		end    error // of the documents
		want   error
	}{
		{"the documents break off", func(*edits.Options) {}, interactive, errTest, errTest},
		{"the kind is not known", func(*edits.Options) {}, func() (edits.Kind, error) { return 0, errTest }, nil, errTest},
		{"a bad id", func(o *edits.Options) {
			o.CheckID = func(id couch.DocID) error {
				if id == "a" {
					return nil
				}
				return &couch.Error{Kind: couch.IllegalDocID}
			}
		}, interactive, nil, &couch.Error{Kind: couch.IllegalDocID}},
		{"a bad id, and the documents break off", func(o *edits.Options) {
			o.CheckID = func(couch.DocID) error { return &couch.Error{Kind: couch.IllegalDocID} }
		}, interactive, errTest, errTest},
		{"the rules cannot be read", func(o *edits.Options) {
			o.Validation = func(context.Context, bool) (edits.Rules, error) { return edits.Rules{}, errTest }
		}, interactive, nil, errTest},
		{"a judge breaks down", func(o *edits.Options) {
			o.Validation = func(context.Context, bool) (edits.Rules, error) {
				return edits.Rules{Judge: func(context.Context, edits.Update) (error, error) { return nil, errTest }}, nil
			}
		}, interactive, nil, errTest},
	} {
		b := newBench(t)
		tt.change(&b.o)
		discarded := 0
		docs := func(yield func(*couch.Document, error) bool) {
			with := b.doc(`{"_id":"b"}`)
			with.Attachments = []couch.Attachment{{Name: "x", Pending: content{&discarded}}}
			_ = yield(b.doc(`{"_id":"a"}`), nil) && yield(with, nil) && tt.end != nil && yield(nil, tt.end)
		}
		got, err := edits.Write(t.Context(), b.o, docs, tt.kind)
		if !errors.Is(err, tt.want) || got != nil {
			t.Errorf("%s: %v, %v", tt.name, got, err)
		}
		if m := b.meta(); m.UpdateSeq != 0 || discarded == 0 {
			t.Errorf("%s: the database is at %d, and %d contents were discarded", tt.name, m.UpdateSeq, discarded)
		}
	}
}

// What one kind of batch is not to bring is refused in it alone.
func TestForbidden(t *testing.T) {
	for _, kind := range []edits.Kind{edits.Interactive, edits.Replicated} {
		b := newBench(t)
		a, c := b.doc(`{"_id":"a","_rev":"1-a"}`), b.doc(`{"_id":"c","_rev":"1-c"}`)
		a.NotInteractive, c.NotReplicated = true, true
		if kind == edits.Interactive {
			a.Revisions, c.Revisions = couch.Revisions{}, couch.Revisions{}
		}
		docs := func(yield func(*couch.Document, error) bool) { _ = yield(a, nil) && yield(c, nil) }
		got, err := edits.Write(t.Context(), b.o, docs, func() (edits.Kind, error) { return kind, nil })
		if err != nil {
			t.Fatal(err)
		}
		for i, refused := range []bool{kind == edits.Interactive, kind == edits.Replicated} {
			if errors.Is(got[i].Err, &couch.Error{Kind: couch.Forbidden}) != refused {
				t.Errorf("kind %d: %s: %v", kind, got[i].ID, got[i].Err)
			}
		}
	}
}
