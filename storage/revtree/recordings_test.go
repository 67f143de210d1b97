package revtree_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"settle/storage/couch"
	"settle/storage/revtree"
)

// These replay what Apache CouchDB 3.5.0 was recorded to answer.

// TestWinnerStepByStep is the recording doc-winner, document d.
func TestWinnerStepByStep(t *testing.T) {
	tree := new(revtree.Tree)
	for _, step := range []struct {
		edit                        string
		winner, conflicts, deletedC string
	}{
		{"2-b a", "2-b", "", ""},
		{"2-c a", "2-c", "2-b", ""},
		{"2-B a", "2-c", "2-b 2-B", ""},
		{"2-ca a", "2-ca", "2-c 2-b 2-B", ""},
		{"3-a b a", "3-a", "2-ca 2-c 2-B", ""},
		{"x 9-z", "3-a", "2-ca 2-c 2-B", "9-z"},
		{"x 4-a36ff55ca4c5817d21384ca9655a8994 a", "2-ca", "2-c 2-B", "9-z 4-a36ff55ca4c5817d21384ca9655a8994"},
		{"x 3-50fc5615fb7697736db4ab014058e130 ca", "2-c", "2-B", "9-z 4-a36ff55ca4c5817d21384ca9655a8994 3-50fc5615fb7697736db4ab014058e130"},
		{"x 3-efd216c76128bdcfacec7e1f0185c14b B", "2-c", "", "9-z 4-a36ff55ca4c5817d21384ca9655a8994 3-efd216c76128bdcfacec7e1f0185c14b 3-50fc5615fb7697736db4ab014058e130"},
		{"x 3-64d9e424b406c90dd980cce6d177bbc4 c", "9-z", "", "4-a36ff55ca4c5817d21384ca9655a8994 3-efd216c76128bdcfacec7e1f0185c14b 3-64d9e424b406c90dd980cce6d177bbc4 3-50fc5615fb7697736db4ab014058e130"},
		{"10-07a147db349ffbafd166266516aad60a z", "10-07a147db349ffbafd166266516aad60a", "", "4-a36ff55ca4c5817d21384ca9655a8994 3-efd216c76128bdcfacec7e1f0185c14b 3-64d9e424b406c90dd980cce6d177bbc4 3-50fc5615fb7697736db4ab014058e130"},
	} {
		merge(t, tree, step.edit)
		winner, node, ok := tree.Winner()
		if !ok || winner.String() != step.winner {
			t.Errorf("after %s: winner %v, want %s", step.edit, winner, step.winner)
		}
		if tree.Deleted() != node.Deleted || tree.Deleted() != (step.winner == "9-z") {
			t.Errorf("after %s: Deleted = %v", step.edit, tree.Deleted())
		}
		if got := printed(tree.Conflicts()); got != step.conflicts {
			t.Errorf("after %s: conflicts %s, want %s", step.edit, got, step.conflicts)
		}
		if got := printed(tree.DeletedConflicts()); got != step.deletedC {
			t.Errorf("after %s: deleted conflicts %s, want %s", step.edit, got, step.deletedC)
		}
	}
}

// TestHashesSortRaw is the recording doc-winner, document hex.
func TestHashesSortRaw(t *testing.T) {
	tree := build(t, "1-00000000000000000000000000000001", "1-ffffffffffffffffffffffffffffffff", "1-short")
	wantPaths(t, tree, "1-ffffffffffffffffffffffffffffffff", "1-short", "1-00000000000000000000000000000001")
}

// TestStemmingRecorded is the recording doc-stemming.
func TestStemmingRecorded(t *testing.T) {
	tree := new(revtree.Tree)
	limit := 2
	edit := func(e string, want ...string) {
		t.Helper()
		merge(t, tree, e)
		tree.Stem(limit)
		check(t, tree)
		wantPaths(t, tree, want...)
	}
	edit("4-d c b a", "4-d c")
	edit("5-e d c b", "5-e d")
	edit("5-x d", "5-x d", "5-e d")
	edit("4-y c b a", "5-x d", "5-e d", "4-y c")

	missing := tree.Missing(revs(t, "4-d", "5-e", "5-x", "3-c", "2-b", "6-q"))
	if diff := cmp.Diff(revs(t, "2-b", "6-q"), missing); diff != "" {
		t.Errorf("missing (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(revs(t, "5-x", "5-e", "4-y"), tree.PossibleAncestors(missing)); diff != "" {
		t.Errorf("possible ancestors (-want +got):\n%s", diff)
	}

	edit("3-c b a", "5-x d", "5-e d", "4-y c")
	if n, _ := tree.Get(rev(t, "3-c")); !n.Available {
		t.Error("3-c has come with its body, and is not available")
	}
	edit("9-n m l", "9-n m", "5-x d", "5-e d", "4-y c")
	limit = 10
	edit("6-f e d c b a", "9-n m", "6-f e d c b a", "5-x d c b a", "4-y c b a")
}

// TestNewEditsFalseRecorded is the recording doc-new-edits-false, document d.
func TestNewEditsFalseRecorded(t *testing.T) {
	tree := build(t, "1-aaa", "3-ccc")
	wantPaths(t, tree, "3-ccc", "1-aaa")
	if got := printed(tree.Conflicts()); got != "1-aaa" {
		t.Errorf("conflicts %s, want 1-aaa", got)
	}
	merge(t, tree, "3-ccc bbb aaa")
	wantPaths(t, tree, "3-ccc bbb aaa")
	available := func(s string) bool {
		t.Helper()
		n, ok := tree.Get(rev(t, s))
		if !ok {
			t.Errorf("%s is not in the tree", s)
		}
		return n.Available
	}
	if !available("3-ccc") || available("2-bbb") || !available("1-aaa") {
		t.Error("of 3-ccc bbb aaa only the middle should be a placeholder")
	}
	merge(t, tree, "2-bbb")
	if !available("2-bbb") {
		t.Error("2-bbb has come with its body, and is not available")
	}
	merge(t, tree, "4-ddd")
	merge(t, tree, "5-eee ddd")
	wantPaths(t, tree, "5-eee ddd", "3-ccc bbb aaa")
	merge(t, tree, "7-xyz")
	merge(t, tree, "0-aaa")
	wantPaths(t, tree, "7-xyz", "5-eee ddd", "3-ccc bbb aaa", "0-aaa")
}

// TestConflictResolutionRecorded is the recording doc-conflict-resolution.
func TestConflictResolutionRecorded(t *testing.T) {
	tree := build(t, "1-7a7e4b29f3af401e69b6f86e4c26b727", "2-d0df861eb528e79690cd2ff3c4d394f3 7a7e4b29f3af401e69b6f86e4c26b727", "2-zzz")
	wantPaths(t, tree, "2-d0df861eb528e79690cd2ff3c4d394f3 7a7e4b29f3af401e69b6f86e4c26b727", "2-zzz")
	merge(t, tree, "3-c50a32451890a3f1c3e423334cc92745 d0df861eb528e79690cd2ff3c4d394f3")
	merge(t, tree, "3-22c085b69213b627299dc8a799abc13c zzz")
	for s, want := range map[string]bool{
		"3-c50a32451890a3f1c3e423334cc92745": true,
		"3-22c085b69213b627299dc8a799abc13c": true,
		"1-7a7e4b29f3af401e69b6f86e4c26b727": false,
		"2-zzz":                              false,
		"2-unknown":                          false,
	} {
		if got := tree.IsLeaf(rev(t, s)); got != want {
			t.Errorf("IsLeaf(%s) = %v", s, got)
		}
	}
	merge(t, tree, "x 4-8b8e91429f5eb4f311834cdde9520606 22c085b69213b627299dc8a799abc13c")
	if w, _, _ := tree.Winner(); w.String() != "3-c50a32451890a3f1c3e423334cc92745" {
		t.Errorf("winner %v", w)
	}
	merge(t, tree, "x 4-13416768a6e759a01d9008048bb6aa8f c50a32451890a3f1c3e423334cc92745")
	if w, _, _ := tree.Winner(); !tree.Deleted() || w.String() != "4-8b8e91429f5eb4f311834cdde9520606" {
		t.Errorf("winner %v, deleted %v", w, tree.Deleted())
	}
}

// TestLatestRecorded is the recording doc-open-revs, document d.
func TestLatestRecorded(t *testing.T) {
	tree := build(t, "2-b1 a0", "2-b2 a0", "x 3-c3 b3 a0")
	for s, want := range map[string]string{
		"1-a0": "2-b2 2-b1 3-c3",
		"2-b3": "3-c3",
		"2-b1": "2-b1",
		"3-c3": "3-c3",
		"9-zz": "",
		"1-a":  "",
	} {
		if got := printed(tree.LeavesOf(rev(t, s))); got != want {
			t.Errorf("LeavesOf(%s) = %s, want %s", s, got, want)
		}
	}
	if w, _, _ := tree.Winner(); w.String() != "2-b2" {
		t.Errorf("winner %v", w)
	}
}

// TestPurgeRecorded holds the recordings bulk-purge and bulk-purge-winner.
func TestPurgeRecorded(t *testing.T) {
	for _, tc := range []removal{
		{"an inner revision", []string{"2-a2 a1"}, []string{"1-a1"}, "", "", []string{"2-a2 a1"}},
		{"the only leaf", []string{"2-a2 a1"}, []string{"2-a2"}, "2-a2", "1-a1 2-a2", nil},
		{"one of two leaves", []string{"2-b2 b1", "2-c2 b1"}, []string{"2-c2"}, "2-c2", "2-c2", []string{"2-b2 b1"}},
		{"known and unknown", []string{"2-b2 b1"}, []string{"2-c2", "2-b2", "9-z"}, "2-b2", "1-b1 2-b2", nil},
		{"a deletion", []string{"x 1-d"}, []string{"1-d"}, "1-d", "1-d", nil},
		{"nothing there", nil, []string{"1-x"}, "", "", nil},
		{"nothing asked", []string{"1-e"}, nil, "", "", []string{"1-e"}},
		{"the winner", []string{"2-x r", "2-y r", "x 3-z q r"}, []string{"2-y"}, "2-y", "2-y", []string{"2-x r", "x 3-z q r"}},
		{"all but a deletion", []string{"2-x r", "x 3-z q r"}, []string{"2-x"}, "2-x", "2-x", []string{"x 3-z q r"}},
	} {
		t.Run(tc.name, tc.run)
	}
}

// TestMissingOfUnknownDocument: a document that is not there gets the question
// back, in its order and with what is double.
func TestMissingOfUnknownDocument(t *testing.T) {
	asked := revs(t, "2-b", "1-a", "2-b")
	if diff := cmp.Diff(asked, new(revtree.Tree).Missing(asked)); diff != "" {
		t.Errorf("of an empty tree (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(revs(t, "1-a", "2-b"), build(t, "1-z").Missing(asked)); diff != "" {
		t.Errorf("of a tree (-want +got):\n%s", diff)
	}
	if got := build(t, "1-a", "2-b").Missing(asked); got != nil {
		t.Errorf("missing %v of a tree that has all", got)
	}
	// bulk-mixed-edits: no leaf is older than what is missing.
	if got := build(t, "3-c zz r").PossibleAncestors([]couch.RevID{rev(t, "2-other")}); got != nil {
		t.Errorf("possible ancestors %v, want none", got)
	}
	// Deleted leaves come last.
	got := build(t, "2-b", "1-zz", "x 2-c").PossibleAncestors(revs(t, "3-x"))
	if diff := cmp.Diff(revs(t, "2-b", "1-zz", "2-c"), got); diff != "" {
		t.Errorf("possible ancestors (-want +got):\n%s", diff)
	}
}
