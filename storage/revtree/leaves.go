package revtree

import (
	"slices"

	"settle/storage/couch"
)

// Leaf is a revision from which nothing descends, and its content.
type Leaf struct {
	Rev  couch.RevID
	Node Node
}

// compareLeaves orders leaves, the winner first: those that are not deleted
// before those that are, then by generation and hash, descending. Source:
// couch_doc:to_doc_info_path.
func compareLeaves(a, b *entry) int {
	switch {
	case a.node.Deleted == b.node.Deleted:
		return b.rev.Compare(a.rev)
	case b.node.Deleted:
		return -1
	default:
		return 1
	}
}

// winner returns the entry of the winner, or nil for an empty tree.
func (t *Tree) winner() *entry {
	var best *entry
	for _, e := range t.nodes {
		if e.isLeaf() && (best == nil || compareLeaves(e, best) < 0) {
			best = e
		}
	}
	return best
}

// Winner returns the revision that a reader of the document gets: the first of
// [Tree.Leaves]. It is false for an empty tree.
func (t *Tree) Winner() (couch.RevID, Node, bool) {
	w := t.winner()
	if w == nil {
		return couch.RevID{}, Node{}, false
	}
	return w.rev, w.node, true
}

// Deleted reports whether the document is deleted: all its leaves are. An empty
// tree is not deleted.
func (t *Tree) Deleted() bool {
	w := t.winner()
	return w != nil && w.node.Deleted
}

// leaves returns the entries of the leaves, the winner first.
func (t *Tree) leaves() []*entry {
	var ls []*entry
	for _, e := range t.nodes {
		if e.isLeaf() {
			ls = append(ls, e)
		}
	}
	slices.SortFunc(ls, compareLeaves)
	return ls
}

// Leaves returns the leaves, the winner first: not deleted before deleted, then
// by generation and raw hash, descending. (`open_revs=all` prints them in
// another order, ascending by revision.)
func (t *Tree) Leaves() []Leaf {
	ls := t.leaves()
	out := make([]Leaf, len(ls))
	for i, e := range ls {
		out[i] = Leaf{Rev: e.rev, Node: e.node}
	}
	return out
}

// Conflicts returns the leaves beside the winner that are not deleted, as
// `_conflicts` has them: in the order of [Tree.Leaves].
func (t *Tree) Conflicts() []couch.RevID { return t.losers(false) }

// DeletedConflicts returns the leaves beside the winner that are deleted, as
// `_deleted_conflicts` has them: in the order of [Tree.Leaves].
func (t *Tree) DeletedConflicts() []couch.RevID { return t.losers(true) }

func (t *Tree) losers(deleted bool) []couch.RevID {
	ls := t.leaves()
	var out []couch.RevID
	for _, e := range ls[min(1, len(ls)):] {
		if e.node.Deleted == deleted {
			out = append(out, e.rev)
		}
	}
	return out
}

// LeavesOf returns the leaves that rev led to, in the order of [Tree.Leaves]:
// rev itself when it is a leaf, none when it is not in the tree. It answers
// `latest=true`.
func (t *Tree) LeavesOf(rev couch.RevID) []couch.RevID {
	at, ok := t.search(rev)
	if !ok {
		return nil
	}
	// Descendants are of later generations, so behind rev in nodes.
	line := map[*entry]bool{t.nodes[at]: true}
	var ls []*entry
	for _, e := range t.nodes[at:] {
		for _, p := range e.parents {
			if line[p] {
				line[e] = true
			}
		}
		if line[e] && e.isLeaf() {
			ls = append(ls, e)
		}
	}
	slices.SortFunc(ls, compareLeaves)
	return revsOf(ls)
}

func revsOf(es []*entry) []couch.RevID {
	out := make([]couch.RevID, len(es))
	for i, e := range es {
		out[i] = e.rev
	}
	return out
}
