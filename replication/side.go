package replication

import (
	"context"
	"io"
	"iter"

	"settle/storage/couch"
)

// Side is what a database is asked whether it is a source or a target.
type Side interface {
	// Open looks whether the database is there. Errors are of kind Missing,
	// Unauthorized, Forbidden, LoginRefused, or Failed.
	Open(ctx context.Context) (Info, error)
	// Commit returns once all that the database has acknowledged is on disk. Of
	// the result InstanceStart counts.
	Commit(ctx context.Context) (Info, error)
	// Checkpoint reads a checkpoint, nil where there is none.
	Checkpoint(ctx context.Context, id string) (*Checkpoint, error)
	// PutCheckpoint stores a checkpoint and sets its rev. A Forbidden or Unauthorized
	// says that the user may keep none there.
	PutCheckpoint(ctx context.Context, id string, c *Checkpoint) error
}

// Info describes a database.
type Info struct {
	InstanceStart string // changes when the database is made anew
}

// Source is a database that is replicated from.
type Source interface {
	Side
	// Changes yields the changes that the feed asks for, in their order. Where the
	// feed waits it ends with ctx, or an error.
	Changes(ctx context.Context, f Feed) iter.Seq2[Change, error]
	// Fetch yields the revisions asked for, each with its history and its
	// attachments, or what they led to meanwhile. A revision that is gone has no
	// Doc. What is yielded, its contents above all, is valid until the next step.
	Fetch(ctx context.Context, asks []Ask) iter.Seq2[*Revision, error]
	// FilterCode returns the source text of a filter function.
	FilterCode(ctx context.Context, design, filter string) (string, error)
	// Pending returns how many changes lie behind a sequence, -1 where nobody knows.
	Pending(ctx context.Context, since string) (int64, error)
}

// Target is a database that is replicated to.
type Target interface {
	Side
	// Create makes the database, unless it is there.
	Create(ctx context.Context, params map[string]string) error
	// RevsDiff returns which of the revisions are missing.
	RevsDiff(ctx context.Context, asks []couch.RevsAsk) ([]couch.RevsDiff, error)
	// Write stores revisions as they come, which are valid until the next step. The
	// results are in any order, each with the Err with which the target refuses that
	// revision for good. Of what was written before an error results may tell, too. A
	// couch.MissingStub says that the target lacks the content of a stub.
	Write(ctx context.Context, revs iter.Seq2[*Revision, error]) ([]couch.WriteResult, error)
}

// Feed says which changes to read.
type Feed struct {
	Since       string // as the source printed it; "0": from the first on
	WinningOnly bool   // the winner of each document, instead of every leaf
	Wait        bool   // when there are no more, wait for others
	Filter      Filter
}

// Filter chooses documents; the zero value chooses all. At most one member is set,
// but for Params, which go with Function.
type Filter struct {
	DocIDs   []couch.DocID // sorted; nil: not by ids
	Selector []byte        // JSON
	Function string        // "design/filter", or "_view", "_design"
	Params   []Param
}

// IsZero reports whether every document is chosen.
func (f *Filter) IsZero() bool { return f.DocIDs == nil && f.Selector == nil && f.Function == "" }

// Param is one of the parameters of a filter function, as text.
type Param struct{ Name, Value string }

// Change is one row of the source's feed.
type Change struct {
	Seq  string
	ID   couch.DocID
	Revs []couch.RevID
}

// Ask names revisions of a document to fetch.
type Ask struct {
	ID   couch.DocID
	Revs []couch.RevID
	// Since are revisions that the target has: attachments that one of them has,
	// being an ancestor, need not come again.
	Since []couch.RevID
	// Deferred: contents that the target lacks are not wanted. Their attachments are
	// neither Stubs nor have a Content.
	Deferred bool
}

// Revision is a revision on its way.
type Revision struct {
	// Refused says why the revision cannot be had, or taken, ever; ID and Rev are
	// those of Doc then, as far as they are known.
	Refused error
	// Doc is the revision; nil: it is gone. Its attachments are Stubs, or
	// have a Content, in their order, or neither, as Ask.Deferred says.
	Doc      *couch.Document
	Contents []Content
	ByBulk   bool // it came by _bulk_get
}

// Content is the content of an attachment on its way.
type Content struct {
	Index    int          // in Doc.Attachments
	Encoding string       // "gzip", or "" for the content as it is
	Length   int64        // of what Open gives
	Digest   couch.Digest // of what Open gives; zero: not known
	// Open returns the bytes. It is called at most once, in order of the contents;
	// reading ends with an error where they are not those of Digest and Length.
	Open func() (io.ReadCloser, error)
}
