package revtree_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"settle/storage/couch"
	"settle/storage/revtree"
)

// rev reads a printed revision.
func rev(t testing.TB, s string) couch.RevID {
	t.Helper()
	r, err := couch.ParseRev(s)
	if err != nil {
		t.Fatalf("ParseRev(%q): %v", s, err)
	}
	return r
}

func revs(t testing.TB, ss ...string) []couch.RevID {
	t.Helper()
	var out []couch.RevID
	for _, s := range ss {
		out = append(out, rev(t, s))
	}
	return out
}

// path reads "3-c b a": the newest revision, and the hashes of its ancestors.
func path(t testing.TB, s string) couch.Revisions {
	t.Helper()
	newest, rest, _ := strings.Cut(s, " ")
	p := couch.PathTo(rev(t, newest))
	for _, h := range strings.Fields(rest) {
		p.Hashes = append(p.Hashes, couch.ParseRevHash(h))
	}
	return p
}

func formatPath(p couch.Revisions) string {
	parts := []string{p.Leaf().String()}
	for _, h := range p.Hashes[1:] {
		parts = append(parts, couch.FormatRevHash(h))
	}
	return strings.Join(parts, " ")
}

// live and dead are contents of a revision.
var (
	live = revtree.Node{Seq: 1, Available: true, Size: 2, Tag: [16]byte{1}}
	dead = revtree.Node{Seq: 1, Available: true, Size: 2, Tag: [16]byte{1}, Deleted: true}
)

// merge merges "3-c b a", or with a leading "x" a deletion, and checks the tree.
func merge(t testing.TB, tree *revtree.Tree, edit string) revtree.Outcome {
	t.Helper()
	n := live
	if rest, ok := strings.CutPrefix(edit, "x "); ok {
		n, edit = dead, rest
	}
	o, _, err := tree.Merge(path(t, edit), n)
	if err != nil {
		t.Fatalf("Merge(%q): %v", edit, err)
	}
	check(t, tree)
	return o
}

// build merges edits into an empty tree.
func build(t testing.TB, edits ...string) *revtree.Tree {
	t.Helper()
	tree := new(revtree.Tree)
	for _, e := range edits {
		merge(t, tree, e)
	}
	return tree
}

// check fails the test if the tree breaks an invariant, or does not come back
// from its encoding.
func check(t testing.TB, tree *revtree.Tree) {
	t.Helper()
	if err := tree.Check(); err != nil {
		t.Fatal(err)
	}
	b := encode(t, tree)
	back, err := revtree.Decode(b)
	if err != nil {
		t.Fatalf("Decode: %v", err)
	}
	if err := back.Check(); err != nil {
		t.Fatalf("decoded: %v", err)
	}
	if diff := cmp.Diff(b, encode(t, back)); diff != "" {
		t.Fatalf("encoding changed on the way (-want +got):\n%s", diff)
	}
}

func encode(t testing.TB, tree *revtree.Tree) []byte {
	t.Helper()
	b, err := tree.AppendBinary(nil)
	if err != nil {
		t.Fatalf("AppendBinary: %v", err)
	}
	return b
}

// printed returns revisions in their printed form, joined by spaces.
func printed(rs []couch.RevID) string {
	var out []string
	for _, r := range rs {
		out = append(out, r.String())
	}
	return strings.Join(out, " ")
}

// leafPaths returns the path of every leaf, the winner first; an x before a deletion.
func leafPaths(t testing.TB, tree *revtree.Tree) []string {
	t.Helper()
	var out []string
	for _, l := range tree.Leaves() {
		p, ok := tree.Path(l.Rev)
		if !ok {
			t.Fatalf("no path of leaf %v", l.Rev)
		}
		s := formatPath(p)
		if l.Node.Deleted {
			s = "x " + s
		}
		out = append(out, s)
	}
	return out
}

func wantPaths(t testing.TB, tree *revtree.Tree, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, leafPaths(t, tree)); diff != "" {
		t.Fatalf("leaves (-want +got):\n%s", diff)
	}
}
