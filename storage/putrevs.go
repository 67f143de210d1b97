package storage

import (
	"context"
	"iter"

	"settle/storage/couch"
	"settle/storage/edits"
)

// PutRevs stores revisions as other servers have made them (`new_edits=false`):
// each document's Revisions is its own path, which is merged into the tree. A
// revision that is stored already is a silent success. No row is refused for a
// conflict.
//
// What holds for the results, the errors and the pending contents is what
// BulkDocs says.
func (db *Database) PutRevs(ctx context.Context, docs iter.Seq2[*couch.Document, error]) ([]couch.WriteResult, error) {
	return db.write(ctx, docs, edits.Replicated)
}
