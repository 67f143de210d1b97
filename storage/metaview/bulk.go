package metaview

import (
	"context"
	"iter"

	"settle/storage/couch"
)

// Bulk makes edits of either kind. See [storage.Database.Bulk]. What is refused is what
// BulkDocs refuses. The ancestors of a document are looked for from the revision on that
// it names itself: in a replicated batch one that is held makes the document a known one.
func (db *Database) Bulk(ctx context.Context, docs iter.Seq2[*couch.Document, error], isReplicated func() (bool, error)) ([]couch.WriteResult, error) {
	return db.write(ctx, docs, func(ctx context.Context, docs iter.Seq2[*couch.Document, error]) ([]couch.WriteResult, error) {
		return db.Database.Bulk(ctx, docs, isReplicated)
	}, 0)
}
