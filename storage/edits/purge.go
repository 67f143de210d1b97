package edits

import (
	"context"
	"slices"

	"settle/storage/couch"
	"settle/storage/purges"
)

// Purge removes leaves, as [settle/storage.Database.Purge] says, and remembers what
// it was asked for. It returns what it removed, in the order of asks.
func (w *Writer) Purge(ctx context.Context, asks []couch.RevsAsk) ([]couch.Purged, error) {
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
func (w *Writer) purgeRevs(ctx context.Context, s *docState, ask couch.RevsAsk) (couch.Purged, error) {
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
func (w *Writer) storePurged(ctx context.Context, ids []couch.DocID, states map[couch.DocID]*docState) error {
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
