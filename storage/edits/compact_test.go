package edits_test

import (
	"errors"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"settle/storage/couch"
	"settle/storage/edits"
	"settle/storage/kv"
	"settle/storage/revtree"
	"settle/storage/schema"
)

func TestKeepFrom(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 30, 0, 0, time.UTC)
	const last, none = couch.Seq(70), couch.Seq(math.MaxUint64)
	for _, tt := range []struct {
		name  string
		hours map[int]couch.Seq // hours before now, and the first sequence in them
		keep  time.Duration
		want  couch.Seq
	}{
		{"no hours", nil, 24 * time.Hour, last + 1},
		{"nothing is kept", map[int]couch.Seq{0: 5}, 0, none},
		{"less than nothing", map[int]couch.Seq{0: 5}, -time.Hour, none},
		{"the hour that is cut counts whole", map[int]couch.Seq{1: 3, 0: 5}, 10 * time.Minute, 5},
		{"hours before are too old", map[int]couch.Seq{9: 1, 3: 4, 2: 7, 0: 9}, 2 * time.Hour, 7},
		{"all hours are too old", map[int]couch.Seq{9: 1, 8: 4}, 2 * time.Hour, last + 1},
		{"the clock was put back", map[int]couch.Seq{2: 50, 1: 10, 0: 60}, 24 * time.Hour, 10},
	} {
		b := newBench(t)
		b.must(b.update(t.Context(), func(tx kv.Tx, _ *schema.Meta) error {
			for ago, seq := range tt.hours {
				tx.Set(schema.TimeKey(schema.HourOf(now.Add(-time.Duration(ago)*time.Hour))), schema.EncodeTimeRow(seq))
			}
			return nil
		}))
		keepFrom := func() (from couch.Seq) {
			b.must(b.view(t.Context(), func(r kv.Reader, _ *schema.Meta) (err error) {
				from, err = edits.KeepFrom(t.Context(), r, last, tt.keep, now)
				return err
			}))
			return from
		}
		if got := keepFrom(); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
		b.must(b.update(t.Context(), func(tx kv.Tx, _ *schema.Meta) error { edits.ForgetHours(tx, tt.keep, now); return nil }))
		if got := keepFrom(); got != tt.want {
			t.Errorf("%s: with older hours forgotten %d, want %d", tt.name, got, tt.want)
		}
	}
}

func TestForgetHours(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 30, 0, 0, time.UTC)
	for _, tt := range []struct {
		keep time.Duration
		want []int // hours before now that are left
	}{{0, []int{0}}, {-time.Hour, []int{0}}, {time.Hour, []int{1, 0}}, {100 * time.Hour, []int{9, 3, 1, 0}}} {
		b := newBench(t)
		b.must(b.update(t.Context(), func(tx kv.Tx, _ *schema.Meta) error {
			for _, ago := range []int{9, 3, 1, 0} {
				tx.Set(schema.TimeKey(schema.HourOf(now.Add(-time.Duration(ago)*time.Hour))), schema.EncodeTimeRow(1))
			}
			return nil
		}))
		b.must(b.update(t.Context(), func(tx kv.Tx, _ *schema.Meta) error { edits.ForgetHours(tx, tt.keep, now); return nil }))
		var left []int
		b.must(b.view(t.Context(), func(r kv.Reader, _ *schema.Meta) error {
			for row, err := range r.Scan(t.Context(), schema.All(schema.KindTime)) {
				if err != nil {
					return err
				}
				hour, _ := schema.ParseTimeKey(row.Key)
				left = append(left, int(schema.HourOf(now)-hour))
			}
			return nil
		}))
		if diff := cmp.Diff(tt.want, left); diff != "" {
			t.Errorf("keeping %v (-want +got):\n%s", tt.keep, diff)
		}
	}
}

func TestKeepFromDamaged(t *testing.T) {
	b := newBench(t)
	now := time.Now()
	b.must(b.update(t.Context(), func(tx kv.Tx, _ *schema.Meta) error {
		tx.Set(schema.TimeKey(schema.HourOf(now)), []byte("no row"))
		return nil
	}))
	err := b.view(t.Context(), func(r kv.Reader, _ *schema.Meta) error {
		_, err := edits.KeepFrom(t.Context(), r, 1, time.Hour, now)
		return err
	})
	if !errors.Is(err, couch.ErrCorrupt) {
		t.Errorf("%v, want an error of corruption", err)
	}
}

func TestSuperseded(t *testing.T) {
	// 1-a, with an attachment, is superseded at 2, and 2-b at 3; 2-y is a second leaf.
	tree := new(revtree.Tree)
	for _, edit := range []struct {
		start uint64
		path  []string
		node  revtree.Node
	}{
		{1, []string{"a"}, revtree.Node{Seq: 1, Available: true, Attachments: true}},
		{2, []string{"b", "a"}, revtree.Node{Seq: 2, Available: true}},
		{3, []string{"c", "b"}, revtree.Node{Seq: 3, Available: true, Attachments: true}},
		{2, []string{"y", "a"}, revtree.Node{Seq: 4, Available: true}},
	} {
		if _, _, err := tree.Merge(couch.Revisions{Start: edit.start, Hashes: edit.path}, edit.node); err != nil {
			t.Fatal(err)
		}
	}
	one := couch.RevID{Gen: 1, Hash: "a"}
	for _, tt := range []struct {
		name     string
		node     revtree.Node // of 1-a
		keepFrom couch.Seq
		want     []string
	}{
		{"texts and attachments", revtree.Node{Seq: 1, Available: true, Attachments: true}, math.MaxUint64, []string{"1-a", "2-b"}},
		{"texts alone", revtree.Node{Seq: 1, Available: true, Attachments: true}, 0, []string{"1-a", "2-b"}},
		{"attachments whose text is gone, kept", revtree.Node{Seq: 1, Attachments: true}, 2, []string{"2-b"}},
		{"attachments whose text is gone", revtree.Node{Seq: 1, Attachments: true}, 3, []string{"1-a", "2-b"}},
		{"all is gone", revtree.Node{Seq: 1}, math.MaxUint64, []string{"2-b"}},
	} {
		tree.Set(one, tt.node)
		var got []string
		for _, rev := range edits.Superseded(schema.NewDocRow(tree, 4), tt.keepFrom) {
			got = append(got, rev.String())
		}
		slices.Sort(got)
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestCompact(t *testing.T) {
	b := newBench(t)
	first := b.put(edits.Interactive, `{"_id":"a","pad":"0123456789"}`)
	second := b.put(edits.Interactive, `{"_id":"a","_rev":"`+first.String()+`"}`)
	before := b.meta()
	for _, id := range []couch.DocID{"a", "gone", "a"} { // the second time nothing is left to do
		b.must(b.update(t.Context(), func(tx kv.Tx, m *schema.Meta) error {
			w := edits.NewWriter(b.o.Contents, tx, m)
			if err := w.Compact(t.Context(), id, math.MaxUint64); err != nil {
				return err
			}
			if removed := w.Removed(); len(removed) > 0 {
				t.Errorf("contents were removed: %v", removed)
			}
			return nil
		}))
		after := b.meta()
		if after.BodyBytes != after.ActiveBytes || after.BodyBytes >= before.BodyBytes || after.UpdateSeq != before.UpdateSeq {
			t.Errorf("before %+v, after %+v", before, after)
		}
		for rev, available := range map[couch.RevID]bool{first: false, second: true} {
			if node, ok := b.tree("a").Tree.Get(rev); !ok || node.Available != available {
				t.Errorf("%v: %+v", rev, node)
			}
		}
	}
}

func TestPurge(t *testing.T) {
	b := newBench(t)
	for _, text := range []string{
		`{"_id":"a","_revisions":{"start":2,"ids":["b","a"]}}`, `{"_id":"a","_revisions":{"start":2,"ids":["c","a"]}}`, `{"_id":"b","_rev":"1-x"}`,
	} {
		b.put(edits.Replicated, text)
	}
	var purged []couch.Purged
	b.must(b.update(t.Context(), func(tx kv.Tx, m *schema.Meta) (err error) {
		purged, err = edits.NewWriter(b.o.Contents, tx, m).Purge(t.Context(), []couch.RevsAsk{
			{ID: "b", Revs: b.revs("1-x", "9-z")}, {ID: "a", Revs: b.revs("2-b", "1-a")}, {ID: "none", Revs: b.revs("1-x")},
		})
		return err
	}))
	want := []couch.Purged{{ID: "b", Revs: b.revs("1-x")}, {ID: "a", Revs: b.revs("2-b")}, {ID: "none"}}
	if diff := cmp.Diff(want, purged); diff != "" {
		t.Errorf("purged (-want +got):\n%s", diff)
	}
	if got := b.leaves("a"); !slices.Equal(got, []string{"2-c"}) || b.tree("b") != nil {
		t.Errorf("leaves of a: %q, b: %v", got, b.tree("b"))
	}
	if m := b.meta(); m.DocCount != 1 || m.PurgeSeq != 3 || m.BodyBytes != m.ActiveBytes {
		t.Errorf("%+v", m)
	}
}
