package storage

import (
	"context"
	"iter"

	"settle/storage/couch"
	"settle/storage/edits"
	"settle/storage/spool"
)

// Docs makes a batch of documents at hand.
func Docs(docs ...*couch.Document) iter.Seq2[*couch.Document, error] {
	return func(yield func(*couch.Document, error) bool) {
		for _, d := range docs {
			if !yield(d, nil) {
				return
			}
		}
	}
}

// write applies a batch. See [edits.Write].
func (db *Database) write(ctx context.Context, docs iter.Seq2[*couch.Document, error], k edits.Kind) ([]couch.WriteResult, error) {
	return edits.Write(ctx, db.batch(), docs, func() (edits.Kind, error) { return k, nil })
}

// batch says where batches are written to.
func (db *Database) batch() edits.Options {
	return edits.Options{
		Contents: db.contents(), View: db.view, Update: db.update,
		CheckID: db.validateID, RemoveFiles: db.removeFiles,
		Spool:     spool.Options{KV: db.store.kv, Key: db.key, Limit: db.store.batches, Reserve: db.store.reserveSpool},
		DropSpool: db.store.removeSpool,
	}
}

func (db *Database) contents() edits.Contents {
	return edits.Contents{Key: db.key, Blobs: db.blobs}
}
