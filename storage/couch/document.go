package couch

// Body is a document's JSON object in the form CouchDB prints, without its
// underscore members and without white space: at least "{}".
type Body struct {
	// Text is the JSON. It is never changed in place.
	Text []byte
	// Term is the same object in Erlang's external term format, without the
	// version byte; revision ids are made from it. It is set on documents that
	// were read from a client, and nil on those read from the store.
	Term []byte
}

// Document is one revision of a document.
type Document struct {
	ID      DocID
	Deleted bool
	// Revisions is the path from this revision to its oldest known ancestor. On
	// an interactive edit it is the path of the revision that is replaced, empty
	// for a new document.
	Revisions Revisions
	Body      Body
	// Attachments in CouchDB's order, the newest first.
	Attachments []Attachment

	// What a read may add, by its options.
	RevsInfo         []RevInfo
	Conflicts        []RevID
	DeletedConflicts []RevID
	LocalSeq         Seq
}

// Rev returns the revision that the document is at.
func (d *Document) Rev() RevID { return d.Revisions.Leaf() }

// RevInfo is one row of `_revs_info`.
type RevInfo struct {
	Rev    RevID
	Status RevStatus
}

// RevStatus says what is left of a revision.
type RevStatus string

// The states of a revision.
const (
	RevAvailable RevStatus = "available"
	RevMissing   RevStatus = "missing"
	RevDeleted   RevStatus = "deleted"
)

// LocalDocument is a document that does not replicate. Its revision is a counter.
type LocalDocument struct {
	ID   DocID
	Rev  uint64 // printed as "0-N"
	Body Body
}
