package storage

import (
	"context"
	"slices"

	"settle/storage/couch"
	"settle/storage/kv"
	"settle/storage/revtree"
	"settle/storage/schema"
)

// OpenRevs reads several revisions of a document from one state of it: every
// leaf, or the ones asked for, the first of them with their documents, as many as
// o.MaxBytes says. As in CouchDB each comes once, the ones that are
// stored first, in ascending order, and the missing ones behind them. With All
// the error is ErrNotFound where there is no such document.
func (db *Database) OpenRevs(ctx context.Context, id couch.DocID, o couch.OpenRevsOptions, g couch.GetOptions) ([]couch.OpenRev, error) {
	var out []couch.OpenRev
	err := db.view(ctx, func(r kv.Reader, _ *schema.Meta) error {
		row, err := readDocRow(ctx, r, id)
		if err != nil {
			return err
		}
		if row == nil && o.All {
			return couch.ErrNotFound
		}
		if row == nil {
			row = &schema.DocRow{Tree: new(revtree.Tree)}
		}
		out, err = db.readRevs(ctx, r, id, row, chosenRevs(row.Tree, o), revsLimit{o.MaxBytes, g})
		return err
	})
	return out, err
}

// revsLimit says what of revisions to read.
type revsLimit struct {
	bytes int64 // of bodies; 0: all
	get   couch.GetOptions
}

func (db *Database) readRevs(ctx context.Context, r kv.Reader, id couch.DocID, row *schema.DocRow, revs []couch.RevID, limit revsLimit) ([]couch.OpenRev, error) {
	var found, missing []couch.OpenRev
	size := int64(0)
	for _, rev := range revs {
		node, _ := row.Tree.Get(rev)
		if !node.Available {
			missing = append(missing, couch.OpenRev{Rev: rev})
			continue
		}
		if size += node.Size; limit.bytes > 0 && size > limit.bytes && len(found) > 0 {
			found = append(found, couch.OpenRev{Rev: rev, Deferred: true})
			continue
		}
		doc, err := db.readRev(ctx, r, id, row, rev, limit.get)
		if err != nil {
			return nil, err
		}
		found = append(found, couch.OpenRev{Rev: rev, Doc: doc})
	}
	return append(found, missing...), nil
}

// chosenRevs resolves what OpenRevs is asked for; sorted, without duplicates.
func chosenRevs(tree *revtree.Tree, o couch.OpenRevsOptions) []couch.RevID {
	var revs []couch.RevID
	for _, leaf := range tree.Leaves() {
		if o.All {
			revs = append(revs, leaf.Rev)
		}
	}
	for _, rev := range o.Revs {
		leaves := []couch.RevID(nil)
		if o.Latest {
			leaves = tree.LeavesOf(rev)
		}
		if len(leaves) == 0 {
			leaves = []couch.RevID{rev}
		}
		revs = append(revs, leaves...)
	}
	slices.SortFunc(revs, couch.RevID.Compare)
	return slices.Compact(revs)
}
