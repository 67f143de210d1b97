package databases

import (
	"context"
	"io"
	"iter"

	"settle/storage"
	"settle/storage/couch"
)

// Store is what these endpoints need of the store; *storage.Store is one.
type Store interface {
	CreateDatabase(ctx context.Context, name string, o storage.CreateOptions) (*storage.Database, error)
	DropDatabase(ctx context.Context, name string) error
	Database(ctx context.Context, name string) (*storage.Database, error)
	Databases(ctx context.Context, o storage.NameRange) iter.Seq2[string, error]
}

// Database is what these endpoints need of a database; *storage.Database is one,
// and its comments say what the methods promise.
type Database interface {
	Name() string
	Partitioned() bool
	PartitionInfo(ctx context.Context, name string) (couch.PartitionInfo, error)
	Info(ctx context.Context) (couch.DatabaseInfo, error)
	FormatSeq(n couch.Seq) string
	Compact(ctx context.Context) error
	settings
	lister
	reader
	purger
}

// settings are what a database keeps beside its documents.
type settings interface {
	Security(ctx context.Context) ([]byte, error)
	SetSecurity(ctx context.Context, text []byte) error
	RevsLimit(ctx context.Context) (int, error)
	SetRevsLimit(ctx context.Context, n int) error
	Quota(ctx context.Context) (couch.Quota, error)
}

// lister lists documents.
type lister interface {
	AllDocs(ctx context.Context, o couch.AllDocsOptions) iter.Seq2[couch.AllDocsRow, error]
	AllDocsByID(ctx context.Context, ids []couch.DocID, o couch.AllDocsOptions) iter.Seq2[couch.AllDocsRow, error]
	AllDocsOffset(ctx context.Context, o couch.AllDocsOptions) (int64, error)
	LocalDocs(ctx context.Context, o couch.AllDocsOptions) iter.Seq2[*couch.LocalDocument, error]
}

// reader reads single documents and contents.
type reader interface {
	Get(ctx context.Context, id couch.DocID, o couch.GetOptions) (*couch.Document, error)
	GetLocal(ctx context.Context, id couch.DocID) (*couch.LocalDocument, error)
	ReadBlob(ctx context.Context, a couch.Attachment, offset, length int64) (io.ReadCloser, error)
}

// purger removes revisions and tells what it was asked to remove.
type purger interface {
	Purge(ctx context.Context, asks []couch.RevsAsk) ([]couch.Purged, error)
	PurgedInfos(ctx context.Context) iter.Seq2[couch.Purged, error]
	PurgedInfosLimit(ctx context.Context) (int, error)
	SetPurgedInfosLimit(ctx context.Context, n int) error
}
