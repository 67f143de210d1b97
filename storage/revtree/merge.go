package revtree

import (
	"slices"

	"settle/storage/couch"
)

// Outcome says what a merge did to the tree, in couch_key_tree's words.
type Outcome int

const (
	// NewLeaf: the revision is new and extends a leaf, or is the tree's first.
	NewLeaf Outcome = iota
	// NewBranch: the revision is new and a leaf beside those that were there.
	NewBranch
	// InternalNode: the revision was in the tree already, as a leaf, an inner
	// revision or a placeholder. Its path may have brought ancestors, and its
	// content may have been missing.
	InternalNode
)

// String returns couch_key_tree's name for o.
func (o Outcome) String() string {
	switch o {
	case NewLeaf:
		return "new_leaf"
	case NewBranch:
		return "new_branch"
	case InternalNode:
		return "internal_node"
	}
	return "unknown outcome"
}

// maxGen is the greatest generation that couch.ParseRev reads.
const maxGen = 1<<53 - 1

// Merge adds a path whose newest revision has the content n. Ancestors that the
// tree lacks come in as placeholders. An interactive edit is a merge too: of the
// leaf that it replaces and the new revision; the caller has checked that this
// is a leaf.
//
// stored reports that n is now what the tree keeps of the revision. It is false
// when its content had come before: the first is kept, unless it was, or has
// become, unavailable and n is not.
//
// The error is a BadRequest, for a path that is none: empty, longer than its
// generations, beyond the greatest generation, or with a "none" in it; or it is
// Internal, for the zero Node. The tree is then unchanged.
func (t *Tree) Merge(path couch.Revisions, n Node) (o Outcome, stored bool, err error) {
	if err := checkPath(path); err != nil {
		return 0, false, err
	}
	if n.IsPlaceholder() {
		return 0, false, couch.Errorf(couch.Internal, "a revision without content was to be merged")
	}
	old := t.find(path.Leaf())
	switch {
	case old != nil:
		o = InternalNode
	case len(t.nodes) > 0 && !t.extendsLeaf(path):
		o = NewBranch
	}
	leaf := t.union(path, old)
	if leaf.node.IsPlaceholder() || n.Available && !leaf.node.Available {
		leaf.node, stored = n, true
	}
	return o, stored, nil
}

// checkPath reports what is wrong with a path.
func checkPath(path couch.Revisions) error {
	n := uint64(len(path.Hashes))
	switch {
	case n == 0:
		return couch.Errorf(couch.BadRequest, "_revisions is empty")
	case path.Start > maxGen:
		return couch.Errorf(couch.BadRequest, "_revisions.start is too large")
	case n > path.Start+1:
		return couch.Errorf(couch.BadRequest, "_revisions.ids has more revisions than _revisions.start generations")
	case path.Rev(len(path.Hashes) - 1).IsZero():
		return couch.Errorf(couch.BadRequest, "Invalid rev format")
	}
	return nil
}

// extendsLeaf reports whether the newest revision of path that is in the tree
// is a leaf.
func (t *Tree) extendsLeaf(path couch.Revisions) bool {
	for i := range path.Hashes {
		if e := t.find(path.Rev(i)); e != nil {
			return e.isLeaf()
		}
	}
	return false
}

// union adds the revisions of path that are missing, and the edges between
// them. It returns the entry of the newest; e is that entry where it is known.
func (t *Tree) union(path couch.Revisions, e *entry) *entry {
	var leaf, child *entry
	var added []*entry
	for i, hash := range path.Hashes {
		rev := path.Rev(i)
		if child != nil {
			// Along known edges there is nothing to search for.
			if e = child.parent(hash); e == nil {
				e = t.find(rev)
			}
		}
		if e == nil {
			e = &entry{rev: rev}
			added = append(added, e)
		}
		if child == nil {
			leaf = e
		} else {
			link(child, e)
		}
		child = e
	}
	t.insert(added)
	return leaf
}

// fewAdded is how many entries are cheaper to insert one by one than by merging.
const fewAdded = 4

// insert takes in entries that are not in the tree, given newest first.
func (t *Tree) insert(added []*entry) {
	if len(added) == 0 {
		return
	}
	if len(added) <= fewAdded {
		for _, e := range added {
			i, _ := t.search(e.rev)
			t.nodes = slices.Insert(t.nodes, i, e)
		}
		return
	}
	slices.Reverse(added) // along a path the generations, and so the revisions, ascend
	t.nodes = mergeSorted(t.nodes, added)
}

// mergeSorted merges added into nodes; both are sorted. It takes one pass, from the
// end, so that a path costs no more than the tree is long.
func mergeSorted(nodes, added []*entry) []*entry {
	i, j := len(nodes)-1, len(added)-1
	nodes = append(nodes, added...)
	for at := len(nodes) - 1; j >= 0; at-- {
		if i >= 0 && nodes[i].rev.Compare(added[j].rev) > 0 {
			nodes[at] = nodes[i]
			i--
		} else {
			nodes[at] = added[j]
			j--
		}
	}
	return nodes
}

// link makes parent a parent of child, if it is not.
func link(child, parent *entry) {
	i, found := slices.BinarySearchFunc(child.parents, parent, func(a, b *entry) int { return b.rev.Compare(a.rev) })
	if !found {
		child.parents = slices.Insert(child.parents, i, parent)
		parent.children++
	}
}
