package couch

import "fmt"

// Kind says what went wrong, in the terms of the domain. The server turns it
// into a status and an error name in one table.
type Kind int

// The kinds of errors.
const (
	Internal Kind = iota
	BadRequest
	DocValidation       // a document has a bad special member
	IllegalDocID        // a document id starts with an underscore
	IllegalDatabaseName // a database name has a character it must not have
	QueryParse          // a query parameter of a view or _all_docs has a bad value
	NotFound            // the document, revision or local document is missing
	Deleted             // the document's winner is a deletion
	DatabaseMissing
	DatabaseExists
	Conflict
	Unauthorized
	Forbidden
	MissingStub // an attachment stub names nothing that an ancestor holds
	DocumentTooLarge
	AttachmentTooLarge
	RequestTooLarge
	URITooLong
	BadContentType
	RangeNotSatisfiable
	DigestMismatch // attachment bytes are not those that their digest or length promised
	NotImplemented
	MethodNotAllowed
	ExpectationFailed
	NoSpace     // the disk is full but for the reserve
	Unavailable // shutting down, or the engine has failed
	Away        // another server that is needed does not answer, or not rightly
	Gone        // the place that a content was to be fetched from has it no more
	Corrupt     // stored bytes do not authenticate, or contradict each other

	IllegalPartition // a partition has a bad name
	InvalidDesignDoc // a design document has a member that it must not have

	// What is wrong with a Mango selector or its list of fields.
	InvalidSelectorJSON  // it is no object
	InvalidSelector      // a condition has no field
	InvalidOperator      // there is no such operator, or not with such an argument
	OperatorNotSupported // MongoDB has the operator, CouchDB has not
	BadArgument
	BadField         // an operator stands where it cannot
	InvalidFieldName // an empty name between dots
	InvalidFields    // fields are no list
	InvalidField     // a field is no string

	// What is wrong with another part of a Mango request.
	MissingKey       // a member that must be there is not
	InvalidKey       // a member that there is no use for
	InvalidString    // a value is no string
	EmptyString      // a name is empty
	InvalidBoolean   // a value is neither true nor false
	InvalidPositive  // a value is no integer above zero
	InvalidCount     // a value is no integer from zero on
	InvalidValue     // a value is none of those allowed
	InvalidSort      // a sort is no list
	InvalidSortField // a field of a sort, or of an index
	MixedSort        // a sort goes both ways
	InvalidBookmark
	InvalidIndexName
	InvalidIndex         // a definition of an index, or the choice of one
	NoUsableIndex        // no index gives the order that is asked for
	NoIndexService       // the kind of index needs a service that is not there
	InvalidIndexLanguage // an index is to join a design document of functions
	InvalidPartitioned   // an index and its design document differ in being partitioned
	InvalidBulkDelete    // the indexes to delete are no list

	InvalidReduction // a built-in reduce function cannot take a value

	OverQuota        // the database's quota is used up
	AlreadyDelivered // a delivery's id was used before
)

// Error is the one error type of the domain. Reason is shown to clients, so it
// never holds a secret or a path of the machine; Err, which may, is for the log.
type Error struct {
	Kind   Kind
	Reason string // empty: the kind's usual reason
	Err    error
}

// The sentinels; errors.Is matches every Error of the same kind with them.
var (
	ErrNotFound        = &Error{Kind: NotFound, Reason: "missing"}
	ErrDeleted         = &Error{Kind: Deleted, Reason: "deleted"}
	ErrDatabaseMissing = &Error{Kind: DatabaseMissing, Reason: "Database does not exist."}
	ErrDatabaseExists  = &Error{Kind: DatabaseExists, Reason: "The database could not be created, the file already exists."}
	ErrConflict        = &Error{Kind: Conflict, Reason: "Document update conflict."}
	ErrMissingStub     = &Error{Kind: MissingStub, Reason: "Invalid attachment stub"}
	ErrNoSpace         = &Error{Kind: NoSpace, Reason: "database_dir is too full"}
	ErrUnavailable     = &Error{Kind: Unavailable, Reason: "The server is shutting down."}
	ErrCorrupt         = &Error{Kind: Corrupt, Reason: "Stored data is damaged."}
)

// Errorf returns an error of the given kind whose reason is the formatted text.
func Errorf(kind Kind, format string, args ...any) *Error {
	return &Error{Kind: kind, Reason: fmt.Sprintf(format, args...)}
}

// Error returns the reason, and what is behind it.
func (e *Error) Error() string {
	switch {
	case e.Err == nil:
		return e.Reason
	case e.Reason == "":
		return e.Err.Error()
	default:
		return e.Reason + ": " + e.Err.Error()
	}
}

// Unwrap returns what is behind the error.
func (e *Error) Unwrap() error { return e.Err }

// Is reports whether target is an Error of the same kind.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Kind == e.Kind
}
