package revtree_test

import (
	"errors"
	"testing"

	"settle/storage/couch"
	"settle/storage/revtree"
)

func TestMerge(t *testing.T) {
	for _, tc := range []struct {
		name  string
		edits []string
		edit  string
		want  revtree.Outcome
		paths []string
	}{
		{"first", nil, "1-a", revtree.NewLeaf, []string{"1-a"}},
		{"first with history", nil, "3-c b a", revtree.NewLeaf, []string{"3-c b a"}},
		{"generation 0", nil, "0-aaa", revtree.NewLeaf, []string{"0-aaa"}},
		{"empty hash", nil, "1-", revtree.NewLeaf, []string{"1-"}},
		{"on a leaf", []string{"1-a"}, "2-b a", revtree.NewLeaf, []string{"2-b a"}},
		{"far from a leaf", []string{"1-a"}, "4-d c b a", revtree.NewLeaf, []string{"4-d c b a"}},
		{"on a leaf, without the leaf's history", []string{"3-c b a"}, "4-d c", revtree.NewLeaf, []string{"4-d c b a"}},
		{"on a leaf, with history that was unknown", []string{"3-c"}, "4-d c b a", revtree.NewLeaf, []string{"4-d c b a"}},
		{"on a deletion", []string{"x 2-b a"}, "3-c b", revtree.NewLeaf, []string{"3-c b a"}},
		{"beside a leaf", []string{"2-b a"}, "2-c a", revtree.NewBranch, []string{"2-c a", "2-b a"}},
		{"beside a leaf, deeper", []string{"4-d c b a"}, "4-y c", revtree.NewBranch, []string{"4-y c b a", "4-d c b a"}},
		{"a second root", []string{"1-a"}, "1-b", revtree.NewBranch, []string{"1-b", "1-a"}},
		{"a root beyond the cut", []string{"5-e d"}, "2-b a", revtree.NewBranch, []string{"5-e d", "2-b a"}},
		{"a leaf again", []string{"2-b a"}, "2-b a", revtree.InternalNode, []string{"2-b a"}},
		{"a leaf again, shorter", []string{"2-b a"}, "2-b", revtree.InternalNode, []string{"2-b a"}},
		{"a leaf again, longer", []string{"3-c"}, "3-c b a", revtree.InternalNode, []string{"3-c b a"}},
		{"an inner revision", []string{"3-c b a"}, "2-b", revtree.InternalNode, []string{"3-c b a"}},
		{"the root, with history", []string{"3-c b"}, "2-b a", revtree.InternalNode, []string{"3-c b a"}},
		{"roots joined", []string{"1-aaa", "3-ccc"}, "3-ccc bbb aaa", revtree.InternalNode, []string{"3-ccc bbb aaa"}},
		{"roots joined by a new leaf", []string{"2-b", "4-d"}, "5-e d c b", revtree.NewLeaf, []string{"5-e d c b"}},
		{"a root that was a leaf", []string{"3-c b", "3-y", "2-b"}, "2-b a", revtree.InternalNode, []string{"3-y", "3-c b a"}},
		{"two parents", []string{"3-c b a"}, "3-c y a", revtree.InternalNode, []string{"3-c y a"}},
		{"two parents, the other way", []string{"3-c y a"}, "3-c b a", revtree.InternalNode, []string{"3-c y a"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tree := build(t, tc.edits...)
			if got := merge(t, tree, tc.edit); got != tc.want {
				t.Errorf("outcome %v, want %v", got, tc.want)
			}
			wantPaths(t, tree, tc.paths...)
		})
	}
}

func TestMergeContent(t *testing.T) {
	first := revtree.Node{Seq: 1, Available: true, Size: 1}
	gone := revtree.Node{Seq: 1}
	goneToo := revtree.Node{Seq: 2}
	again := revtree.Node{Seq: 2, Available: true, Size: 2}
	for _, tc := range []struct {
		name   string
		held   revtree.Node
		comes  revtree.Node
		stored bool
	}{
		{"placeholder", revtree.Node{}, again, true},
		{"placeholder, body elsewhere", revtree.Node{}, gone, true},
		{"held", first, again, false},
		{"held, body elsewhere", first, goneToo, false},
		{"compacted", gone, again, true},
		{"compacted, body elsewhere", gone, goneToo, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tree := build(t, "3-c b a")
			if !tree.Set(rev(t, "2-b"), tc.held) {
				t.Fatal("Set refused an inner revision")
			}
			o, stored, err := tree.Merge(path(t, "2-b"), tc.comes)
			if err != nil || o != revtree.InternalNode || stored != tc.stored {
				t.Fatalf("Merge = %v, %v, %v", o, stored, err)
			}
			want := tc.held
			if stored {
				want = tc.comes
			}
			if got, ok := tree.Get(rev(t, "2-b")); !ok || got != want {
				t.Errorf("Get = %+v, %v, want %+v", got, ok, want)
			}
			check(t, tree)
		})
	}
}

func TestMergeRefuses(t *testing.T) {
	for _, tc := range []struct {
		name string
		path couch.Revisions
		node revtree.Node
		want error
	}{
		{"empty path", couch.Revisions{Start: 1}, live, &couch.Error{Kind: couch.BadRequest}},
		{"longer than its generations", couch.Revisions{Start: 1, Hashes: []string{"c", "b", "a"}}, live, &couch.Error{Kind: couch.BadRequest}},
		{"generation too large", couch.Revisions{Start: 1 << 53, Hashes: []string{"a"}}, live, &couch.Error{Kind: couch.BadRequest}},
		{"greatest generation of all", couch.Revisions{Start: 1<<64 - 1, Hashes: []string{"a"}}, live, &couch.Error{Kind: couch.BadRequest}},
		{"none", couch.Revisions{Hashes: []string{""}}, live, &couch.Error{Kind: couch.BadRequest}},
		{"ends in none", couch.Revisions{Start: 1, Hashes: []string{"a", ""}}, live, &couch.Error{Kind: couch.BadRequest}},
		{"no content", couch.Revisions{Start: 1, Hashes: []string{"a"}}, revtree.Node{}, &couch.Error{Kind: couch.Internal}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tree := build(t, "2-b a")
			before := string(encode(t, tree))
			if _, _, err := tree.Merge(tc.path, tc.node); !errors.Is(err, tc.want) {
				t.Errorf("error %v, want kind %v", err, tc.want)
			}
			if string(encode(t, tree)) != before {
				t.Error("the tree changed")
			}
		})
	}
}

func TestOutcomeString(t *testing.T) {
	for o, want := range map[revtree.Outcome]string{
		revtree.NewLeaf: "new_leaf", revtree.NewBranch: "new_branch", revtree.InternalNode: "internal_node", 9: "unknown outcome",
	} {
		if got := o.String(); got != want {
			t.Errorf("%d prints %q, want %q", o, got, want)
		}
	}
}
