package storage

import (
	"context"
	"iter"

	"settle/storage/couch"
	"settle/storage/edits"
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
	var w *edits.Writer
	var purged []couch.Purged
	err := db.update(ctx, func(tx kv.Tx, m *schema.Meta) error {
		w = edits.NewWriter(db.contents(), tx, m)
		var err error
		purged, err = w.Purge(ctx, asks)
		return err
	}, kv.Freeing)
	if err != nil {
		return nil, err
	}
	db.removeFiles(w.Removed())
	return purged, nil
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
