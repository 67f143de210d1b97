package revtree_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"settle/storage/couch"
	"settle/storage/revtree"
)

// model is a naive revision tree: contents, and the parents of each revision.
type model struct {
	nodes   map[couch.RevID]revtree.Node
	parents map[couch.RevID]map[couch.RevID]bool
}

func newModel() *model {
	return &model{nodes: map[couch.RevID]revtree.Node{}, parents: map[couch.RevID]map[couch.RevID]bool{}}
}

func (m *model) children(r couch.RevID) []couch.RevID {
	var out []couch.RevID
	for c, ps := range m.parents {
		if ps[r] {
			out = append(out, c)
		}
	}
	return out
}

func (m *model) leaves() []couch.RevID {
	var out []couch.RevID
	for r := range m.nodes {
		if len(m.children(r)) == 0 {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b couch.RevID) int {
		if da, db := m.nodes[a].Deleted, m.nodes[b].Deleted; da != db {
			if da {
				return 1
			}
			return -1
		}
		return b.Compare(a)
	})
	return out
}

func (m *model) merge(p couch.Revisions, n revtree.Node) (o revtree.Outcome, stored bool) {
	_, known := m.nodes[p.Leaf()]
	o = revtree.NewBranch
	if known {
		o = revtree.InternalNode
	} else if len(m.nodes) == 0 {
		o = revtree.NewLeaf
	} else {
		for i := range p.Hashes {
			if _, ok := m.nodes[p.Rev(i)]; ok {
				if len(m.children(p.Rev(i))) == 0 {
					o = revtree.NewLeaf
				}
				break
			}
		}
	}
	for i := range p.Hashes {
		if _, ok := m.nodes[p.Rev(i)]; !ok {
			m.nodes[p.Rev(i)] = revtree.Node{}
			m.parents[p.Rev(i)] = map[couch.RevID]bool{}
		}
	}
	for i := range p.Hashes[1:] {
		m.parents[p.Rev(i)][p.Rev(i+1)] = true
	}
	held := m.nodes[p.Leaf()]
	if stored = held == (revtree.Node{}) || n.Available && !held.Available; stored {
		m.nodes[p.Leaf()] = n
	}
	return o, stored
}

// everything is a depth that reach has no end at.
const everything = -1

// reach collects what lies up to depth generations above r, r included.
func (m *model) reach(r couch.RevID, depth int, into map[couch.RevID]bool) {
	seen := into[r]
	into[r] = true
	if depth == 0 || seen && depth < 0 {
		return
	}
	for p := range m.parents[r] {
		m.reach(p, depth-1, into)
	}
}

func (m *model) keep(kept map[couch.RevID]bool) (dropped []couch.RevID) {
	for r := range m.nodes {
		if !kept[r] {
			dropped = append(dropped, r)
			delete(m.nodes, r)
			delete(m.parents, r)
		}
	}
	for _, ps := range m.parents {
		for p := range ps {
			if !kept[p] {
				delete(ps, p)
			}
		}
	}
	slices.SortFunc(dropped, couch.RevID.Compare)
	return dropped
}

func (m *model) stem(limit int) []couch.RevID {
	kept := map[couch.RevID]bool{}
	for _, l := range m.leaves() {
		m.reach(l, limit-1, kept)
	}
	return m.keep(kept)
}

func (m *model) remove(asked []couch.RevID) (removed, dropped []couch.RevID) {
	leaves := m.leaves()
	for _, r := range asked {
		if slices.Contains(leaves, r) && !slices.Contains(removed, r) {
			removed = append(removed, r)
		}
	}
	kept := map[couch.RevID]bool{}
	for _, l := range leaves {
		if !slices.Contains(removed, l) {
			m.reach(l, everything, kept)
		}
	}
	return removed, m.keep(kept)
}

// path follows the greatest parent.
func (m *model) path(r couch.RevID) couch.Revisions {
	p := couch.PathTo(r)
	for len(m.parents[r]) > 0 {
		var best couch.RevID
		for c := range m.parents[r] {
			if best.IsZero() || c.Compare(best) > 0 {
				best = c
			}
		}
		p.Hashes = append(p.Hashes, best.Hash)
		r = best
	}
	return p
}

func (m *model) leavesOf(r couch.RevID) []couch.RevID {
	var out []couch.RevID
	for _, l := range m.leaves() {
		above := map[couch.RevID]bool{}
		m.reach(l, everything, above)
		if above[r] {
			out = append(out, l)
		}
	}
	return out
}

// compare checks everything that a tree can be asked against the model.
func (m *model) compare(t *testing.T, tree *revtree.Tree) {
	t.Helper()
	check(t, tree)
	var leaves []couch.RevID
	for _, l := range tree.Leaves() {
		leaves = append(leaves, l.Rev)
		if l.Node != m.nodes[l.Rev] {
			t.Fatalf("leaf %v has %+v, want %+v", l.Rev, l.Node, m.nodes[l.Rev])
		}
	}
	if want := m.leaves(); !slices.Equal(leaves, want) {
		t.Fatalf("leaves %s, want %s", printed(leaves), printed(want))
	}
	if w, _, ok := tree.Winner(); ok != (len(leaves) > 0) || ok && w != leaves[0] {
		t.Fatalf("winner %v, want %s", w, printed(leaves))
	}
	last, n := couch.RevID{}, 0
	for r, node := range tree.All() {
		if want, ok := m.nodes[r]; !ok || node != want || n > 0 && last.Compare(r) >= 0 {
			t.Fatalf("All yields %v after %v with %+v, want %+v", r, last, node, want)
		}
		if got, _ := tree.Path(r); !cmp.Equal(got, m.path(r)) {
			t.Fatalf("path %v, want %v", got, m.path(r))
		}
		if got, want := tree.LeavesOf(r), m.leavesOf(r); !slices.Equal(got, want) {
			t.Fatalf("leaves of %v: %s, want %s", r, printed(got), printed(want))
		}
		last, n = r, n+1
	}
	if n != len(m.nodes) || n != tree.Len() {
		t.Fatalf("All yields %d revisions, Len is %d, want %d", n, tree.Len(), len(m.nodes))
	}
}

// randomPath returns a path within a few generations and hashes, so that paths
// overlap, join and contradict each other.
func randomPath(rng *rand.Rand, gens, hashes int) couch.Revisions {
	p := couch.Revisions{Start: rng.Uint64N(uint64(gens))}
	for range 1 + rng.Uint64N(p.Start+1) {
		p.Hashes = append(p.Hashes, string(rune('a'+rng.IntN(hashes))))
	}
	return p
}

func randomNode(rng *rand.Rand, seq int) revtree.Node {
	return revtree.Node{
		Seq: couch.Seq(seq), Deleted: rng.IntN(3) == 0, Available: rng.IntN(4) > 0,
		Attachments: rng.IntN(2) == 0, Size: rng.Int64N(1000), AttSize: rng.Int64N(1 << 40), Tag: [16]byte{byte(rng.IntN(3))},
	}
}

func TestAgainstModel(t *testing.T) {
	for seed := range uint64(120) {
		rng := rand.New(rand.NewPCG(seed, 1))
		tree, m := new(revtree.Tree), newModel()
		gens, hashes := 2+rng.IntN(7), 1+rng.IntN(4)
		for step := 1; step <= 40; step++ {
			switch op := rng.IntN(20); {
			case op == 0:
				limit := 1 + rng.IntN(gens)
				if got, want := tree.Stem(limit), m.stem(limit); !slices.Equal(got, want) {
					t.Fatalf("seed %d: Stem(%d) dropped %s, want %s", seed, limit, printed(got), printed(want))
				}
			case op == 1:
				asked := []couch.RevID{randomPath(rng, gens, hashes).Leaf(), randomPath(rng, gens, hashes).Leaf()}
				removed, dropped := tree.Remove(asked)
				wantRemoved, wantDropped := m.remove(asked)
				if len(wantRemoved) == 0 {
					wantDropped = nil
				}
				if !slices.Equal(removed, wantRemoved) || !slices.Equal(dropped, wantDropped) {
					t.Fatalf("seed %d: Remove(%s) = %s, %s, want %s, %s", seed, printed(asked),
						printed(removed), printed(dropped), printed(wantRemoved), printed(wantDropped))
				}
			default:
				p, n := randomPath(rng, gens, hashes), randomNode(rng, step)
				o, stored, err := tree.Merge(p, n)
				wantO, wantStored := m.merge(p, n)
				if err != nil || o != wantO || stored != wantStored {
					t.Fatalf("seed %d: Merge(%s) = %v, %v, %v, want %v, %v", seed, formatPath(p), o, stored, err, wantO, wantStored)
				}
			}
			m.compare(t, tree)
			if t.Failed() {
				t.Fatalf("seed %d, step %d", seed, step)
			}
		}
	}
}

// TestOrderDoesNotCount merges the same edits in many orders.
func TestOrderDoesNotCount(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 2))
		gens, hashes := 2+rng.IntN(7), 1+rng.IntN(4)
		content := map[couch.RevID]revtree.Node{}
		edits := make([]couch.Revisions, 1+rng.IntN(15))
		for i := range edits {
			edits[i] = randomPath(rng, gens, hashes)
			n := randomNode(rng, 1)
			n.Size++ // never a placeholder
			content[edits[i].Leaf()] = n
		}
		var want []byte
		for range 10 {
			tree := new(revtree.Tree)
			for _, i := range rng.Perm(len(edits)) {
				if _, _, err := tree.Merge(edits[i], content[edits[i].Leaf()]); err != nil {
					t.Fatal(err)
				}
			}
			check(t, tree)
			got := encode(t, tree)
			if want == nil {
				want = got
			}
			if !slices.Equal(got, want) {
				t.Fatalf("seed %d: the order counts: %x, %x", seed, got, want)
			}
		}
	}
}
