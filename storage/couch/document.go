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

	// NotInteractive and NotReplicated refuse a document on its way to the store where
	// its batch turns out to be of that kind: who sets them has judged the document
	// before the kind was known, and gives the reason afterwards.
	NotInteractive, NotReplicated bool

	// Form, where set, is how the view of the database that was read shows its
	// documents: what is printed is what Form makes of the document.
	Form Form
}

// Form makes of a document what is shown in its place. It changes nothing of what
// it is given; what it returns has no Form.
type Form func(*Document) *Document

// Shown returns the document that is printed: d, or what its Form makes of it.
func (d *Document) Shown() *Document {
	if d.Form == nil {
		return d
	}
	return d.Form(d)
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
