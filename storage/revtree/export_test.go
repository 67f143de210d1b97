package revtree

// Damages break one invariant each of a tree of 3-c b a and 3-y b.
var Damages = map[string]func(*Tree){
	"out of order":             func(t *Tree) { t.nodes[2], t.nodes[3] = t.nodes[3], t.nodes[2] },
	"twice":                    func(t *Tree) { t.nodes[3].rev = t.nodes[2].rev },
	"parent not in the tree":   func(t *Tree) { t.nodes = t.nodes[1:] },
	"parent too old":           func(t *Tree) { t.nodes[3].rev.Gen++ },
	"parent twice":             func(t *Tree) { t.nodes[3].parents = append(t.nodes[3].parents, t.nodes[1]) },
	"child not counted":        func(t *Tree) { t.nodes[1].children-- },
	"child that is not there":  func(t *Tree) { t.nodes = t.nodes[:3] },
	"leaf without any content": func(t *Tree) { t.nodes[3].node = Node{} },
}
