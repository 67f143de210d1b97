package revtree

import (
	"fmt"

	"settle/storage/couch"
)

// Check walks the tree and reports the first invariant that does not hold:
// every revision once and in order, every parent one generation older and in
// the tree, children counted right, no leaf without content. The error is Corrupt.
func (t *Tree) Check() error {
	children := make(map[*entry]int, len(t.nodes))
	for i, e := range t.nodes {
		if i > 0 && t.nodes[i-1].rev.Compare(e.rev) >= 0 {
			return corrupt("revision %d is out of order", i)
		}
		for j, p := range e.parents {
			switch _, known := children[p]; {
			case !known:
				return corrupt("a parent of revision %d is not in the tree", i)
			case p.rev.Gen+1 != e.rev.Gen:
				return corrupt("a parent of revision %d is not one generation older", i)
			case j > 0 && p.rev.Compare(e.parents[j-1].rev) >= 0:
				return corrupt("the parents of revision %d are out of order", i)
			}
			children[p]++
		}
		children[e] = 0
	}
	for i, e := range t.nodes {
		if children[e] != e.children {
			return corrupt("revision %d has %d children, not %d", i, children[e], e.children)
		}
		if e.isLeaf() && e.node.IsPlaceholder() {
			return corrupt("leaf %d has no content", i)
		}
	}
	return nil
}

// corrupt returns an error about a tree that contradicts itself.
func corrupt(format string, args ...any) error {
	return &couch.Error{Kind: couch.Corrupt, Reason: couch.ErrCorrupt.Reason, Err: fmt.Errorf("revision tree: "+format, args...)}
}
