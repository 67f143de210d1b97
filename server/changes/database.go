package changes

import (
	"context"
	"io"
	"iter"

	"settle/storage/couch"
)

// Database is what a feed needs of a database. The storage package's Database is
// one; its comments say what the methods promise.
type Database interface {
	Name() string
	Incarnation() couch.Incarnation
	Changes(ctx context.Context, o couch.ChangesOptions) iter.Seq2[couch.Change, error]
	PendingChanges(ctx context.Context, since couch.Seq) (int64, error)
	UpdateSeq(ctx context.Context) (couch.Seq, error)
	// Wait returns a channel that is closed after the next durable commit and
	// when the database is dropped.
	Wait() <-chan struct{}
	FormatSeq(n couch.Seq) string
	ParseSeq(s string, last couch.Seq) (couch.Seq, error)
	Get(ctx context.Context, id couch.DocID, o couch.GetOptions) (*couch.Document, error)
	ReadBlob(ctx context.Context, a couch.Attachment, offset, length int64) (io.ReadCloser, error)
}
