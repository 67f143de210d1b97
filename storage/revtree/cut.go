package revtree

import (
	"math"
	"slices"

	"settle/storage/couch"
)

// Stem drops the revisions that are more than limit-1 generations away from
// every leaf that descends from them, so that no path is longer than limit, the
// database's `_revs_limit`. Leaves are never dropped; a limit below 1 counts as
// 1. It returns what was dropped, ascending, placeholders included: bodies that
// are stored for these revisions have become unreachable.
func (t *Tree) Stem(limit int) []couch.RevID {
	limit = max(limit, 1)
	if len(t.nodes) <= limit || t.span() < uint64(limit) {
		return nil
	}
	t.measure(func(*entry) bool { return true })
	return t.cut(limit)
}

// span returns how many generations lie between the oldest and the newest
// revision. The tree is not empty.
func (t *Tree) span() uint64 { return t.nodes[len(t.nodes)-1].rev.Gen - t.nodes[0].rev.Gen }

// Remove purges those of revs that are leaves, and the ancestors that lead to
// no other leaf. It returns the leaves that it removed, in the order of revs and
// each once, and all revisions that were dropped with and for them, ascending,
// placeholders included. Inner and unknown revisions in revs are passed over.
//
// A leaf's ancestor that is left without children never becomes a leaf itself:
// it goes too, as in CouchDB.
func (t *Tree) Remove(revs []couch.RevID) (removed, dropped []couch.RevID) {
	gone := make(map[*entry]bool)
	for _, rev := range revs {
		if e := t.find(rev); e != nil && e.isLeaf() && !gone[e] {
			gone[e] = true
			removed = append(removed, rev)
		}
	}
	if len(removed) == 0 {
		return nil, nil
	}
	t.measure(func(leaf *entry) bool { return !gone[leaf] })
	return removed, t.cut(beyond)
}

// beyond is farther than any path is long.
const beyond = math.MaxInt

// measure sets, for every entry, the distance to the nearest leaf that descends
// from it and that counts: 0 for such a leaf, beyond where there is none.
func (t *Tree) measure(counts func(leaf *entry) bool) {
	for _, e := range t.nodes {
		e.dist = beyond
		if e.isLeaf() && counts(e) {
			e.dist = 0
		}
	}
	// Children are behind their parents, so the way back meets them first.
	for _, e := range slices.Backward(t.nodes) {
		if e.dist == beyond {
			continue
		}
		for _, p := range e.parents {
			p.dist = min(p.dist, e.dist+1)
		}
	}
}

// cut drops the entries that measure found at limit or farther, and the edges
// from and to them. It returns their revisions.
func (t *Tree) cut(limit int) []couch.RevID {
	var dropped []couch.RevID
	keep := t.nodes[:0]
	for _, e := range t.nodes {
		if e.dist >= limit {
			dropped = append(dropped, e.rev)
			for _, p := range e.parents {
				p.children--
			}
			continue
		}
		// Parents are ahead in nodes, so their distances still stand.
		e.parents = slices.DeleteFunc(e.parents, func(p *entry) bool { return p.dist >= limit })
		keep = append(keep, e)
	}
	clear(t.nodes[len(keep):])
	t.nodes = keep
	return dropped
}
