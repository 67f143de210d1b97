package storage

import (
	"context"
	"iter"
	"slices"

	"settle/storage/couch"
	"settle/storage/kv"
	"settle/storage/purges"
	"settle/storage/schema"
)

// Purge removes leaves of documents as if they had never been, together with
// the ancestors that lead to no other leaf, their bodies, and the contents that
// only they used. Revisions that are no leaves stay. It returns what it removed,
// in the order of asks. All of it is one transaction.
//
// A document that other leaves are left of gets a new row in the changes feed;
// one without any is gone. The update sequence grows by the leaves left of the
// documents that changed, at least by one, and the purge sequence by one for each of
// asks, as in CouchDB (couch_db_updater:apply_purge_reqs). Without asks nothing
// happens.
func (db *Database) Purge(ctx context.Context, asks []couch.RevsAsk) ([]couch.Purged, error) {
	if len(asks) == 0 {
		return nil, nil
	}
	var w *writer
	var purged []couch.Purged
	err := db.update(ctx, func(tx kv.Tx, m *schema.Meta) error {
		w = newWriter(db, tx, m)
		var err error
		purged, err = w.purge(ctx, asks)
		return err
	}, kv.Freeing)
	if err != nil {
		return nil, err
	}
	db.removeFiles(w.removed)
	return purged, nil
}

func (w *writer) purge(ctx context.Context, asks []couch.RevsAsk) ([]couch.Purged, error) {
	ids := make([]couch.DocID, len(asks))
	for i, ask := range asks {
		ids[i] = ask.ID
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	states, err := w.load(ctx, ids)
	if err != nil {
		return nil, err
	}
	purged := make([]couch.Purged, len(asks))
	for i, ask := range asks {
		if purged[i], err = w.purgeRevs(ctx, states[ask.ID], ask); err != nil {
			return nil, err
		}
	}
	if err := w.storePurged(ctx, ids, states); err != nil {
		return nil, err
	}
	if err := purges.Note(ctx, w.tx, w.m, asks); err != nil {
		return nil, err
	}
	return purged, w.finish(ctx)
}

// purgeRevs takes the leaves among revisions out of a document.
func (w *writer) purgeRevs(ctx context.Context, s *docState, ask couch.RevsAsk) (couch.Purged, error) {
	stored := storedRevs(s.tree)
	removed, dropped := s.tree.Remove(ask.Revs)
	for _, rev := range dropped {
		if node, ok := stored[rev]; ok {
			if err := w.dropBody(ctx, s, rev, node); err != nil {
				return couch.Purged{}, err
			}
		}
	}
	s.changed = s.changed || len(removed) > 0
	return couch.Purged{ID: ask.ID, Revs: removed}, nil
}

// storePurged writes what is left of documents, each at the update sequence that
// CouchDB gives it: there every leaf that is left takes one.
func (w *writer) storePurged(ctx context.Context, ids []couch.DocID, states map[couch.DocID]*docState) error {
	before := w.m.UpdateSeq
	for _, id := range ids {
		s := states[id]
		if left := len(s.tree.Leaves()); s.changed && left > 0 {
			w.m.UpdateSeq += couch.Seq(left - 1)
		}
		if err := w.store(ctx, s); err != nil {
			return err
		}
	}
	if w.m.UpdateSeq == before {
		w.m.UpdateSeq++
	}
	return nil
}

// PurgedInfos yields the purges that are remembered: what each was asked to
// remove of a document, in the order of ids and revisions. It reads in pages.
func (db *Database) PurgedInfos(ctx context.Context) iter.Seq2[couch.Purged, error] {
	return purges.All(ctx, db.reader)
}

// PurgedInfosLimit returns how many purges are remembered.
func (db *Database) PurgedInfosLimit(ctx context.Context) (int, error) {
	var n int
	err := db.view(ctx, func(_ kv.Reader, m *schema.Meta) error {
		n = int(m.PurgeLimit)
		return nil
	})
	return n, err
}

// SetPurgedInfosLimit changes the limit, which must be positive. It takes effect
// with the next purges. The error is a BadRequest.
func (db *Database) SetPurgedInfosLimit(ctx context.Context, n int) error {
	if n <= 0 {
		return couch.Errorf(couch.BadRequest, "`purged_infos_limit` must be positive integer")
	}
	return db.update(ctx, func(_ kv.Tx, m *schema.Meta) error {
		m.PurgeLimit = uint64(n)
		return nil
	})
}
