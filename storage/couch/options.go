package couch

// GetOptions says which revision of a document to read, and what to add to it.
// The zero value reads the winner and adds nothing.
type GetOptions struct {
	Rev              RevID // none: the winner
	Revs             bool  // the whole path in Revisions
	RevsInfo         bool
	Conflicts        bool
	DeletedConflicts bool
	LocalSeq         bool
	Deleted          bool // the winner counts even where it is a deletion
}

// OpenRevsOptions says which revisions of a document to read.
type OpenRevsOptions struct {
	All    bool // every leaf, instead of Revs
	Revs   []RevID
	Latest bool // the leaves that a revision led to, instead of the revision
	// MaxBytes bounds the bodies that are read, in bytes; the first comes in any case. What
	// is behind them comes Deferred. 0: all are read.
	MaxBytes int64
}

// OpenRev is one answer of OpenRevs: a document, or the revision that is missing.
type OpenRev struct {
	Rev RevID
	Doc *Document // nil: Rev is missing, unless Deferred
	// Deferred says that the revision is there, to be read by Get.
	Deferred bool
}

// WriteResult is what became of one document of a batch: its new revision, or
// why it was refused.
type WriteResult struct {
	ID  DocID
	Rev RevID
	Err error
}

// RevsDiff says what is missing of one document.
type RevsDiff struct {
	ID                DocID
	Missing           []RevID
	PossibleAncestors []RevID // highest first
}

// ChangesOptions says which changes to read. The zero value reads the first
// ones, in ascending order, with the winner of each document.
type ChangesOptions struct {
	Since      Seq
	Descending bool // from the newest down to, but not with, Since
	AllLeaves  bool // style=all_docs
	Limit      int  // rows; 0: no limit

	// DocIDs, where not nil, selects the documents: duplicates count once, and
	// unknown ids give no row.
	DocIDs []DocID

	IncludeDocs bool // sets Doc of each row
	Doc         GetOptions
}

// Change is one row of the changes feed.
type Change struct {
	Seq     Seq
	ID      DocID
	Deleted bool    // the winner is a deletion
	Revs    []RevID // the winner first; with AllLeaves every leaf
	Doc     *Document
}

// AllDocsOptions says which rows of `_all_docs` to read, in order of the ids.
type AllDocsOptions struct {
	Start, End   *DocID // nil: from the first, to the last; in the order of reading
	ExclusiveEnd bool
	Descending   bool
	Skip         int
	Limit        int // rows; negative: no limit

	IncludeDocs bool // sets Doc of each row
	Doc         GetOptions
}

// AllDocsRow is one row of `_all_docs`: a document and its winner. Where keys
// are asked for, one that names no document has no Rev.
type AllDocsRow struct {
	ID      DocID
	Rev     RevID
	Deleted bool
	Doc     *Document // nil for a deleted document
}

// DatabaseInfo describes a database.
type DatabaseInfo struct {
	Name             string
	Incarnation      Incarnation
	UpdateSeq        Seq
	PurgeSeq         uint64
	DocCount         int64
	DeletedCount     int64
	Sizes            Sizes
	Partitioned      bool
	InstanceStart    int64 // microseconds since 1970 at which this incarnation was made
	CompactRunning   bool
	RevsLimit        int
	AttachmentsCount int64 // blobs
}

// Sizes of a database in bytes, from plaintext lengths.
type Sizes struct {
	Active   int64 // bodies and attachments that leaves refer to
	External int64 // the same as a client sees them, uncompressed
	File     int64 // all that is stored, superseded revisions too
}

// Limits bounds what clients send, in bytes; zero means no limit.
type Limits struct {
	MaxDocumentSize   int64
	MaxAttachmentSize int64
	MaxDocumentID     int64
	MaxRequestSize    int64
	MaxInfos          int64 // databases that one request to `_dbs_info` may name
	MaxPurgedDocs     int64 // documents that one request to `_purge` may name
	MaxPurgedRevs     int64 // revisions, of all of them together
}

// RevsAsk names revisions of one document that a peer offers.
type RevsAsk struct {
	ID   DocID
	Revs []RevID
}
