package storage

import (
	"context"
	"iter"

	"settle/storage/couch"
	"settle/storage/edits"
)

// Bulk is BulkDocs, or PutRevs where isReplicated says so, for a batch whose kind may
// be known no sooner than all of its documents have come: isReplicated is asked once
// docs has ended, and its error refuses the batch. A document that is NotInteractive,
// or NotReplicated, is refused alone where the batch is of that kind.
func (db *Database) Bulk(ctx context.Context, docs iter.Seq2[*couch.Document, error], isReplicated func() (bool, error)) ([]couch.WriteResult, error) {
	return edits.Write(ctx, db.batch(), withIDs(docs), func() (edits.Kind, error) {
		replicated, err := isReplicated()
		if replicated {
			return edits.Replicated, err
		}
		return edits.Interactive, err
	})
}
