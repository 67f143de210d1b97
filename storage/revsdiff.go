package storage

import (
	"context"
	"slices"

	"settle/storage/couch"
	"settle/storage/kv"
	"settle/storage/revtree"
	"settle/storage/schema"
)

// RevsDiff says which of the revisions that a peer offers are not in the
// database, for each document that lacks any, in the order of asks. For a
// document that is here the missing ones are sorted and come once; for one that
// is not they are as asked.
func (db *Database) RevsDiff(ctx context.Context, asks []couch.RevsAsk) ([]couch.RevsDiff, error) {
	var out []couch.RevsDiff
	for page := range slices.Chunk(asks, rowsPerView) {
		err := db.view(ctx, func(r kv.Reader, _ *schema.Meta) error {
			found, err := diffPage(ctx, r, page)
			out = append(out, found...)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

func diffPage(ctx context.Context, r kv.Reader, asks []couch.RevsAsk) ([]couch.RevsDiff, error) {
	keys := make([][]byte, len(asks))
	for i, ask := range asks {
		keys[i] = schema.DocKey(ask.ID)
	}
	rows, err := r.GetMulti(ctx, keys...)
	if err != nil {
		return nil, err
	}
	var out []couch.RevsDiff
	for i, ask := range asks {
		if rows[i] == nil {
			if len(ask.Revs) > 0 {
				out = append(out, couch.RevsDiff{ID: ask.ID, Missing: ask.Revs})
			}
			continue
		}
		doc, err := schema.DecodeDocRow(rows[i])
		if err != nil {
			return nil, err
		}
		if diff := diffTree(doc.Tree, ask); len(diff.Missing) > 0 {
			out = append(out, diff)
		}
	}
	return out, nil
}

func diffTree(tree *revtree.Tree, ask couch.RevsAsk) couch.RevsDiff {
	missing := tree.Missing(ask.Revs)
	return couch.RevsDiff{ID: ask.ID, Missing: missing, PossibleAncestors: tree.PossibleAncestors(missing)}
}
