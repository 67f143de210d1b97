package edits_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"settle/storage/couch"
	"settle/storage/edits"
	"settle/storage/kv"
	"settle/storage/schema"
)

var errRefused = &couch.Error{Kind: couch.Forbidden, Reason: "refused"}

func TestAllOf(t *testing.T) {
	var asked string
	judge := func(name string, refusal, err error) edits.Judge {
		return func(context.Context, edits.Update) (error, error) {
			asked += name
			return refusal, err
		}
	}
	fine, also := judge("f", nil, nil), judge("a", nil, nil)
	refuses, breaks := judge("r", errRefused, nil), judge("b", nil, errTest)
	if edits.AllOf(nil) != nil {
		t.Error("nobody is a judge")
	}
	for _, tt := range []struct {
		name         string
		all          []edits.Judge
		asked        string
		refusal, err error
	}{
		{"one", []edits.Judge{fine}, "f", nil, nil},
		{"one that refuses", []edits.Judge{refuses}, "r", errRefused, nil},
		{"all are asked", []edits.Judge{fine, also, fine}, "faf", nil, nil},
		{"the first that refuses is the last", []edits.Judge{fine, refuses, breaks}, "fr", errRefused, nil},
		{"and the first that breaks down", []edits.Judge{also, breaks, refuses}, "ab", nil, errTest},
	} {
		asked = ""
		refusal, err := edits.AllOf(tt.all)(t.Context(), edits.Update{})
		if asked != tt.asked || !errors.Is(refusal, tt.refusal) || !errors.Is(err, tt.err) {
			t.Errorf("%s: asked %s; %v, %v", tt.name, asked, refusal, err)
		}
	}
}

func TestRulesCache(t *testing.T) {
	var c edits.RulesCache
	p, other := kv.Partition{1}, kv.Partition{2}
	if _, ok := c.Get(p); ok {
		t.Error("an empty cache has rules")
	}
	c.Forget(p)
	c.Put(p, edits.Rules{DesignSeq: 1}, 10)
	c.Put(p, edits.Rules{DesignSeq: 2}, 20<<20)
	c.Put(other, edits.Rules{DesignSeq: 3}, 10<<20)
	for p, want := range map[kv.Partition]couch.Seq{p: 2, other: 3} {
		if r, ok := c.Get(p); !ok || r.DesignSeq != want {
			t.Errorf("%v: %v %v, want %d", p, r.DesignSeq, ok, want)
		}
	}
	c.Forget(p)
	if _, ok := c.Get(p); ok {
		t.Error("rules that were forgotten are there")
	}
	c.Put(p, edits.Rules{DesignSeq: 4}, 30<<20) // for both there is no room
	if _, ok := c.Get(other); ok {
		t.Error("more is kept than is to be")
	}
	c.Put(p, edits.Rules{DesignSeq: 5}, 1)
	c.Put(other, edits.Rules{DesignSeq: 6}, 31<<20)
	for p, want := range map[kv.Partition]couch.Seq{p: 5, other: 6} {
		if r, ok := c.Get(p); !ok || r.DesignSeq != want {
			t.Errorf("%v: %v %v, want %d: the room of what went is not given back", p, r.DesignSeq, ok, want)
		}
	}
}

// seen is what a judge was shown.
type seen struct{ New, Old, Security string }

func TestJudged(t *testing.T) {
	b := newBench(t)
	b.put(edits.Replicated, `{"_id":"a","_revisions":{"start":2,"ids":["b","a"]},"n":1}`)
	b.must(b.kv.Update(t.Context(), partition, func(tx kv.Tx) error { tx.Set(schema.SecurityKey(), []byte(`{"s":1}`)); return nil }))
	var shown []seen
	b.o.Validation = func(context.Context, bool) (edits.Rules, error) {
		return edits.Rules{Judge: func(_ context.Context, u edits.Update) (error, error) {
			s := seen{New: string(u.New.Body.Text), Security: string(u.Security)}
			if u.Old != nil {
				s.Old = u.Old.Rev().String() + " " + string(u.Old.Body.Text)
			}
			shown = append(shown, s)
			if string(u.New.Body.Text) == `{"bad":true}` {
				return errRefused, nil
			}
			return nil, nil
		}}, nil
	}
	b.o.CheckDesign = func(_ context.Context, d *couch.Document) (error, error) { return errRefused, nil }
	for _, tt := range []struct {
		kind  edits.Kind
		doc   string
		want  string
		shown []seen
	}{
		{edits.Interactive, `{"_id":"new","n":1}`, "new 1", []seen{{`{"n":1}`, "", `{"s":1}`}}},
		{edits.Interactive, `{"_id":"a","_rev":"2-b","bad":true}`, "a refused", []seen{{`{"bad":true}`, `2-b {"n":1}`, `{"s":1}`}}},
		{edits.Interactive, `{"_id":"a","_rev":"1-a","bad":true}`, "a Document update conflict.", nil},
		{edits.Replicated, `{"_id":"a","_revisions":{"start":3,"ids":["c","b"]},"n":2}`, "a 3", []seen{{`{"n":2}`, `2-b {"n":1}`, `{"s":1}`}}},
		{edits.Replicated, `{"_id":"a","_revisions":{"start":3,"ids":["c","b"]},"bad":true}`, "a 3", nil}, // it is there
		{edits.Replicated, `{"_id":"a","_rev":"1-z","bad":true}`, "a refused", []seen{{`{"bad":true}`, "", `{"s":1}`}}},
		{edits.Interactive, `{"_id":"_design/d","n":1}`, "_design/d refused", nil},
	} {
		shown = nil
		got, err := b.write(tt.kind, tt.doc)
		if diff := cmp.Diff([]string{tt.want}, results(got)); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", tt.doc, err, diff)
		}
		if diff := cmp.Diff(tt.shown, shown); diff != "" {
			t.Errorf("%s: shown (-want +got):\n%s", tt.doc, diff)
		}
	}
}

// Rules that have changed since they were read are read anew, and what was judged by the
// old ones is judged again.
func TestStaleRules(t *testing.T) {
	b := newBench(t)
	b.put(edits.Interactive, `{"_id":"_design/d"}`)
	anews, judged := 0, 0
	b.o.CheckDesign = func(context.Context, *couch.Document) (error, error) { return nil, nil }
	b.o.Validation = func(_ context.Context, anew bool) (edits.Rules, error) {
		if !anew { // as they were before there was the design document
			return edits.Rules{Judge: func(context.Context, edits.Update) (error, error) { judged++; return nil, nil }}, nil
		}
		anews++
		return edits.Rules{DesignSeq: b.meta().DesignSeq, Judge: func(context.Context, edits.Update) (error, error) { judged++; return errRefused, nil }}, nil
	}
	got, err := b.write(edits.Interactive, `{"_id":"a"}`)
	if diff := cmp.Diff([]string{"a refused"}, results(got)); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if anews != 1 || judged != 2 {
		t.Errorf("read anew %d times, judged %d times", anews, judged)
	}
}
