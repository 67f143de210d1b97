package view

import (
	"context"
	"slices"

	"settle/storage/couch"
	"settle/storage/kv"
)

// purge takes the rows of purged documents out. A document of which something is left
// has a new place in the changes; of one that is gone nothing tells but the list of
// purges. Where one of those that the index does not know is no longer in it, the index
// is made anew.
func (u *updater) purge(ctx context.Context) error {
	var ids []couch.DocID
	known, remembered := u.head.PurgeSeq, uint64(0)
	for purged, err := range u.ix.db.PurgedInfos(ctx) {
		if err != nil {
			return err
		}
		if purged.Number <= known || purged.Number > u.info.PurgeSeq {
			continue // there may be gaps between those that are remembered
		}
		remembered++
		ids = append(ids, purged.ID)
		if len(ids) == batchDocs {
			if err := u.forgetGone(ctx, ids); err != nil {
				return err
			}
			ids = nil
		}
	}
	if remembered < u.info.PurgeSeq-known {
		return u.reset(ctx)
	}
	if err := u.forgetGone(ctx, ids); err != nil {
		return err
	}
	return u.commit(ctx, func(_ kv.Tx, h *head) error {
		h.PurgeSeq = u.info.PurgeSeq
		return nil
	})
}

// forgetGone removes the rows of those documents that are no longer there.
func (u *updater) forgetGone(ctx context.Context, ids []couch.DocID) error {
	if len(ids) == 0 {
		return nil
	}
	there := make(map[couch.DocID]bool)
	for change, err := range u.ix.db.Changes(ctx, couch.ChangesOptions{DocIDs: ids}) {
		if err != nil {
			return err
		}
		there[change.ID] = true
	}
	ids = slices.DeleteFunc(ids, func(id couch.DocID) bool { return there[id] })
	if len(ids) == 0 {
		return nil
	}
	p := &part{ids: ids}
	for range ids {
		p.rows = append(p.rows, make([]viewRows, len(u.head.Views)))
	}
	return u.apply(ctx, p)
}
