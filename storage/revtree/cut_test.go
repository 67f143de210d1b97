package revtree_test

import (
	"testing"

	"settle/storage/couch"
	"settle/storage/revtree"
)

func TestStem(t *testing.T) {
	for _, tc := range []struct {
		name    string
		edits   []string
		limit   int
		dropped string
		paths   []string
	}{
		{"empty", nil, 1, "", nil},
		{"short enough", []string{"3-c b a"}, 3, "", []string{"3-c b a"}},
		{"one too many", []string{"3-c b a"}, 2, "1-a", []string{"3-c b"}},
		{"to the leaf", []string{"3-c b a"}, 1, "1-a 2-b", []string{"3-c"}},
		{"limit 0 is 1", []string{"3-c b a"}, 0, "1-a 2-b", []string{"3-c"}},
		{"negative limit is 1", []string{"3-c b a"}, -5, "1-a 2-b", []string{"3-c"}},
		{"a short branch keeps what a long one would lose", []string{"3-q p r", "5-e d c p"}, 2, "1-r 3-c", []string{"5-e d", "3-q p"}},
		{"a branch is cut from its root", []string{"2-x r", "4-e d c r"}, 2, "2-c", []string{"4-e d", "2-x r"}},
		{"roots far apart", []string{"1-a", "9-z"}, 1, "", []string{"9-z", "1-a"}},
		{"two parents", []string{"3-c b a", "3-c y a"}, 2, "1-a", []string{"3-c y"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tree := build(t, tc.edits...)
			if got := printed(tree.Stem(tc.limit)); got != tc.dropped {
				t.Errorf("dropped %s, want %s", got, tc.dropped)
			}
			check(t, tree)
			wantPaths(t, tree, tc.paths...)
			if again := tree.Stem(tc.limit); again != nil {
				t.Errorf("a second stem dropped %v", again)
			}
		})
	}
}

// removal is one purge, and what it is to do to the tree of some edits.
type removal struct {
	name             string
	edits, purge     []string
	removed, dropped string
	paths            []string
}

func (r removal) run(t *testing.T) {
	tree := build(t, r.edits...)
	removed, dropped := tree.Remove(revs(t, r.purge...))
	if printed(removed) != r.removed || printed(dropped) != r.dropped {
		t.Errorf("removed %s, dropped %s; want %s, %s", printed(removed), printed(dropped), r.removed, r.dropped)
	}
	check(t, tree)
	wantPaths(t, tree, r.paths...)
}

func TestRemove(t *testing.T) {
	for _, tc := range []removal{
		{"leaf and parent", []string{"2-b a"}, []string{"2-b", "1-a"}, "2-b", "1-a 2-b", nil},
		{"asked twice", []string{"2-b a", "2-c a"}, []string{"2-b", "2-b"}, "2-b", "2-b", []string{"2-c a"}},
		{"in the order asked", []string{"1-a", "1-b", "1-c"}, []string{"1-c", "1-a"}, "1-c 1-a", "1-a 1-c", []string{"1-b"}},
		{"a branch down to its fork", []string{"5-e d c b a", "3-y b a"}, []string{"5-e"}, "5-e", "3-c 4-d 5-e", []string{"3-y b a"}},
		{"two parents", []string{"3-c b a", "3-c y a", "3-z y"}, []string{"3-c"}, "3-c", "2-b 3-c", []string{"3-z y a"}},
	} {
		t.Run(tc.name, tc.run)
	}
}

func TestSet(t *testing.T) {
	tree := build(t, "2-b a")
	compacted := revtree.Node{Seq: 4}
	for _, tc := range []struct {
		rev  string
		node revtree.Node
		want bool
	}{
		{"1-a", compacted, true},
		{"1-a", revtree.Node{}, true},
		{"2-b", compacted, true},
		{"2-b", revtree.Node{}, false},
		{"3-c", compacted, false},
	} {
		before, found := tree.Get(rev(t, tc.rev))
		if got := tree.Set(rev(t, tc.rev), tc.node); got != tc.want {
			t.Errorf("Set(%s, %+v) = %v", tc.rev, tc.node, got)
		}
		want := tc.node
		if !tc.want {
			want = before
		}
		if got, ok := tree.Get(rev(t, tc.rev)); got != want || ok != found {
			t.Errorf("after Set(%s, %+v): %+v, %v", tc.rev, tc.node, got, ok)
		}
		check(t, tree)
	}
}

func TestEmptyTree(t *testing.T) {
	tree := new(revtree.Tree)
	if _, _, ok := tree.Winner(); ok || tree.Deleted() || tree.Len() != 0 {
		t.Error("an empty tree has a winner or is deleted")
	}
	if tree.Conflicts() != nil || tree.DeletedConflicts() != nil || len(tree.Leaves()) != 0 {
		t.Error("an empty tree has leaves")
	}
	if _, ok := tree.Path(couch.RevID{}); ok {
		t.Error("an empty tree has a path")
	}
	for r := range tree.All() {
		t.Errorf("an empty tree has %v", r)
	}
	check(t, tree)
}
