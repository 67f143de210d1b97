package revtree

import (
	"iter"
	"slices"
	"strings"

	"settle/storage/couch"
)

// Node is what the tree keeps of a revision's content. The zero Node stands for
// a placeholder: a revision known only from the path of a descendant.
type Node struct {
	Seq         couch.Seq // the update that brought the content
	Deleted     bool
	Available   bool     // the body is stored; false once compaction has dropped it
	Attachments bool     // the revision has attachments
	Tag         [16]byte // the tag of the sealed body
	Size        int64    // plaintext bytes of the body
	AttSize     int64    // plaintext bytes of the attachments
}

// IsPlaceholder reports whether n is the zero Node.
func (n Node) IsPlaceholder() bool { return n == Node{} }

// Tree is the revision tree of one document. The zero value is an empty tree.
//
// Use *Tree: a Tree must not be copied once it has been merged into. Any number
// of goroutines may read one while none changes it. Nothing that a method
// returns is shared with the tree.
type Tree struct {
	nodes []*entry // ascending by rev, each rev once
}

// entry is one revision of a tree.
type entry struct {
	rev      couch.RevID
	parents  []*entry // one generation older, descending by hash; in a tree's nodes
	children int      // entries that name this one as a parent
	dist     int      // scratch of the methods that cut the tree
	node     Node
}

// isLeaf reports whether nothing descends from e.
func (e *entry) isLeaf() bool { return e.children == 0 }

// parent returns the parent with a hash, or nil.
func (e *entry) parent(hash string) *entry {
	i, found := slices.BinarySearchFunc(e.parents, hash, func(p *entry, hash string) int { return strings.Compare(hash, p.rev.Hash) })
	if !found {
		return nil
	}
	return e.parents[i]
}

// search returns the place of rev in t.nodes, and whether it is there.
func (t *Tree) search(rev couch.RevID) (int, bool) {
	return slices.BinarySearchFunc(t.nodes, rev, func(e *entry, r couch.RevID) int { return e.rev.Compare(r) })
}

// find returns the entry of rev, or nil.
func (t *Tree) find(rev couch.RevID) *entry {
	if i, ok := t.search(rev); ok {
		return t.nodes[i]
	}
	return nil
}

// Get returns what the tree keeps of rev, and whether rev is in the tree. A
// placeholder is found, and has the zero Node.
func (t *Tree) Get(rev couch.RevID) (Node, bool) {
	e := t.find(rev)
	if e == nil {
		return Node{}, false
	}
	return e.node, true
}

// Set replaces what the tree keeps of rev, and reports whether it did: not when
// rev is not in the tree, nor when n is the zero Node and rev a leaf.
func (t *Tree) Set(rev couch.RevID, n Node) bool {
	e := t.find(rev)
	if e == nil || n.IsPlaceholder() && e.isLeaf() {
		return false
	}
	e.node = n
	return true
}

// IsLeaf reports whether rev is in the tree and nothing descends from it.
func (t *Tree) IsLeaf(rev couch.RevID) bool {
	e := t.find(rev)
	return e != nil && e.isLeaf()
}

// Len returns the number of revisions, placeholders included.
func (t *Tree) Len() int { return len(t.nodes) }

// All yields every revision, placeholders included, ascending by generation and
// hash. Set may be called meanwhile, the methods that add or drop revisions not.
func (t *Tree) All() iter.Seq2[couch.RevID, Node] {
	return func(yield func(couch.RevID, Node) bool) {
		for _, e := range t.nodes {
			if !yield(e.rev, e.node) {
				return
			}
		}
	}
}

// Path returns the path from rev to its oldest known ancestor, and whether rev
// is in the tree.
func (t *Tree) Path(rev couch.RevID) (couch.Revisions, bool) {
	e := t.find(rev)
	if e == nil {
		return couch.Revisions{}, false
	}
	depth := min(rev.Gen-t.nodes[0].rev.Gen+1, uint64(len(t.nodes)))
	p := couch.Revisions{Start: rev.Gen, Hashes: make([]string, 0, depth)}
	for {
		p.Hashes = append(p.Hashes, e.rev.Hash)
		if len(e.parents) == 0 {
			return p, true
		}
		e = e.parents[0]
	}
}
