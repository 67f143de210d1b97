package revtree_test

import (
	"errors"
	"testing"

	"settle/storage/couch"
	"settle/storage/revtree"
)

func TestCheckFinds(t *testing.T) {
	for name, damage := range revtree.Damages {
		t.Run(name, func(t *testing.T) {
			tree := build(t, "3-c b a", "3-y b")
			damage(tree)
			if err := tree.Check(); !errors.Is(err, couch.ErrCorrupt) {
				t.Errorf("Check = %v, want Corrupt", err)
			}
		})
	}
}

// TestAllStops: a reader may stop anywhere, and may Set while it reads.
func TestAllStops(t *testing.T) {
	tree := build(t, "3-c b a")
	var got []couch.RevID
	for r := range tree.All() {
		tree.Set(r, revtree.Node{Seq: 7})
		if got = append(got, r); r.Gen == 2 {
			break
		}
	}
	if printed(got) != "1-a 2-b" {
		t.Errorf("All yielded %s", printed(got))
	}
	for s, want := range map[string]couch.Seq{"1-a": 7, "2-b": 7, "3-c": 1} {
		if n, _ := tree.Get(rev(t, s)); n.Seq != want {
			t.Errorf("%s has Seq %d, want %d", s, n.Seq, want)
		}
	}
}
