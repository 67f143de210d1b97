package documents

import (
	"context"
	"io"
	"iter"

	"settle/attachments"
	"settle/storage/couch"
)

// Database is what the document endpoints need of a database. The storage
// package's Database is one; its comments say what the methods promise.
type Database interface {
	Name() string
	Partitioned() bool
	Get(ctx context.Context, id couch.DocID, o couch.GetOptions) (*couch.Document, error)
	OpenRevs(ctx context.Context, id couch.DocID, o couch.OpenRevsOptions, doc couch.GetOptions) ([]couch.OpenRev, error)
	RevsDiff(ctx context.Context, asks []couch.RevsAsk) ([]couch.RevsDiff, error)
	writer
	localStore
	blobStore
}

// writer takes new revisions, and the attachments' pending contents with them.
type writer interface {
	BulkDocs(ctx context.Context, docs iter.Seq2[*couch.Document, error]) ([]couch.WriteResult, error)
	PutRevs(ctx context.Context, docs iter.Seq2[*couch.Document, error]) ([]couch.WriteResult, error)
	Bulk(ctx context.Context, docs iter.Seq2[*couch.Document, error], isReplicated func() (bool, error)) ([]couch.WriteResult, error)
}

// localStore keeps local documents.
type localStore interface {
	GetLocal(ctx context.Context, id couch.DocID) (*couch.LocalDocument, error)
	PutLocal(ctx context.Context, doc *couch.LocalDocument) (uint64, error)
	DeleteLocal(ctx context.Context, id couch.DocID) error
}

// blobStore keeps the contents of attachments.
type blobStore interface {
	WriteBlob(ctx context.Context, r io.Reader, max int64) (*attachments.Pending, error)
	Quota(ctx context.Context) (couch.Quota, error)
	WriteBlobLike(ctx context.Context, r io.Reader, max int64, digest couch.Digest) (*attachments.Pending, error)
	TakeUpload(ctx context.Context, id couch.BlobID, owner string) (*attachments.Pending, error)
	ReadBlob(ctx context.Context, a couch.Attachment, offset, length int64) (io.ReadCloser, error)
	Ready(ctx context.Context, atts []couch.Attachment) error
	ContentDigest(ctx context.Context, a couch.Attachment) (couch.Digest, error)
}
