package storage

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"iter"

	"settle/storage/couch"
	"settle/storage/edits"
)

// BulkDocs makes interactive edits: each document replaces the leaf that its
// Revisions lead to, or is new where they are empty, and gets a revision id by
// CouchDB's formula. A document without an id gets a random one.
//
// The results are in the order of the batch; ErrConflict is the usual refusal
// of a row. Others are a Forbidden, with a MissingStub behind it, for a stub by digest
// whose content the document does not hold, and an InvalidDesignDoc. When BulkDocs returns
// them the accepted documents are on disk. An error means that nothing was written; it
// is the iterator's own, a MissingStub, a DocumentTooLarge for attachments whose names
// and types are, NoSpace, or ErrDatabaseMissing; an IllegalDocID for an id that begins with "_" and is
// no design document's, and in a database with partitions an IllegalDocID or
// IllegalPartition for one that names none. A batch too large for one transaction
// may be cut short between two documents by NoSpace, or by the end of ctx. It waits
// for its turn, sealed, in a partition that a crash leaves nothing of.
//
// BulkDocs owns the pending contents of all documents it has taken from the
// iterator: they are stored or discarded when it returns.
func (db *Database) BulkDocs(ctx context.Context, docs iter.Seq2[*couch.Document, error]) ([]couch.WriteResult, error) {
	return db.write(ctx, withIDs(docs), edits.Interactive)
}

func withIDs(docs iter.Seq2[*couch.Document, error]) iter.Seq2[*couch.Document, error] {
	return func(yield func(*couch.Document, error) bool) {
		for d, err := range docs {
			if d != nil && d.ID == "" {
				d.ID = newDocID()
			}
			if !yield(d, err) {
				return
			}
		}
	}
}

func newDocID() couch.DocID {
	var raw [16]byte
	rand.Read(raw[:])
	return couch.DocID(hex.EncodeToString(raw[:]))
}
