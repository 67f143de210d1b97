package storage

import (
	"context"
	"iter"

	"settle/storage/couch"
	"settle/storage/edits"
	"settle/storage/kv"
	"settle/storage/schema"
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

// batchLimit is what a transaction takes, and what of a batch is kept in memory.
var batchLimit = spool.Limit{Docs: 5000, Bytes: 4 << 20}

// write applies a batch. See [edits.Write].
func (db *Database) write(ctx context.Context, docs iter.Seq2[*couch.Document, error], k edits.Kind) ([]couch.WriteResult, error) {
	return edits.Write(ctx, db.batch(), docs, func() (edits.Kind, error) { return k, nil })
}

// batch says where batches are written to.
func (db *Database) batch() edits.Options {
	reserve := func(ctx context.Context) (kv.Partition, error) {
		return db.store.directory.Take(ctx, schema.Unready{Database: db.rec.Partition})
	}
	o := edits.Options{
		Contents: db.contents(), Partitioned: db.rec.Partitioned, View: db.view, Update: db.updateWithinQuota,
		CheckID: db.validateID, RemoveFiles: db.removeFiles,
		Spool:     spool.Options{KV: db.store.kv, Key: db.key, Limit: db.store.batches, Reserve: reserve},
		DropSpool: db.store.removeOwned,
	}
	if judge := db.store.judge; judge != nil {
		o.Validation = db.validation
		o.CheckDesign = func(ctx context.Context, d *couch.Document) (refusal, err error) {
			return judge.CheckDesign(ctx, db.rec.Incarnation, d)
		}
	}
	return o
}

func (db *Database) contents() edits.Contents {
	return edits.Contents{Key: db.key, Blobs: db.blobs, Now: db.store.now}
}
