// Package revtree is the revision tree of one document: what CouchDB's
// couch_key_tree does, as a pure data structure without I/O, clock or chance.
//
// # Model
//
// A tree is a set of revisions, and the edges that paths have shown between a
// revision and its parent, which is always one generation older. A revision
// whose content has come has a [Node]; one that is known from the path of a
// descendant only is a placeholder, and has the zero Node. A leaf is a revision
// without children; leaves always have content. There may be several roots:
// histories that share nothing, or nothing that is still known.
//
// [Tree.Merge] forms the union of the tree and a path. A union does not ask for
// order: the same edits give the same tree, whatever order they come in, and
// histories that were cut join as soon as a path bridges them.
//
// Revision ids that were derived from content never have two parents. Ids that
// a client made up may; the tree then keeps both edges, and [Tree.Path] follows
// the parent with the greatest hash. (CouchDB keeps such a revision twice.)
package revtree
