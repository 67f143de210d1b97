package query

import (
	"context"
	"io"
	"iter"

	"settle/storage"
	"settle/storage/couch"
)

// Database is what these endpoints need of a database, as the one who asks may see it.
// The storage package's Database is one; its comments say what the methods promise.
type Database interface {
	Name() string
	Partitioned() bool
	FormatSeq(n couch.Seq) string
	Get(ctx context.Context, id couch.DocID, o couch.GetOptions) (*couch.Document, error)
	AllDocs(ctx context.Context, o couch.AllDocsOptions) iter.Seq2[couch.AllDocsRow, error]
	AllDocsByID(ctx context.Context, ids []couch.DocID, o couch.AllDocsOptions) iter.Seq2[couch.AllDocsRow, error]
	ReadBlob(ctx context.Context, a couch.Attachment, offset, length int64) (io.ReadCloser, error)
	// Whole is the database that indexes are made of.
	Whole() *storage.Database
}
