package revtree

import (
	"slices"

	"settle/storage/couch"
)

// Missing returns those of revs that are not in the tree, ascending and each
// once; from an empty tree all of revs as they are given. Placeholders, and
// revisions whose body is gone, are not missing: their descendants are here.
//
// Both forms are CouchDB's: a document that it knows gets a sorted answer to
// `_revs_diff`, one that it does not know gets the question back.
func (t *Tree) Missing(revs []couch.RevID) []couch.RevID {
	if len(t.nodes) == 0 {
		return slices.Clone(revs)
	}
	var missing []couch.RevID
	for _, rev := range revs {
		if t.find(rev) == nil {
			missing = append(missing, rev)
		}
	}
	slices.SortFunc(missing, couch.RevID.Compare)
	return slices.Compact(missing)
}

// PossibleAncestors returns the leaves of an earlier generation than some of
// the missing revisions, in the order of Leaves: what a client may hold a
// difference to. Source: couch_db:possible_ancestors.
func (t *Tree) PossibleAncestors(missing []couch.RevID) []couch.RevID {
	var newest uint64
	for _, rev := range missing {
		newest = max(newest, rev.Gen)
	}
	var out []couch.RevID
	for _, e := range t.leaves() {
		if e.rev.Gen < newest {
			out = append(out, e.rev)
		}
	}
	return out
}
