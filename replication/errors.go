package replication

import (
	"errors"
	"fmt"

	"settle/storage/couch"
)

// Kind says why a replication did not come about, or ended early.
type Kind int

// The kinds of errors.
const (
	Failed       Kind = iota // another try may succeed: the network, or a peer that has trouble
	Invalid                  // the replication is described wrongly
	Missing                  // a database is not there
	Unauthorized             // a peer wants credentials, or others
	Forbidden                // a peer, or this server, does not allow it
	LoginRefused             // a peer does not know the name, or the password is wrong
	OutOfSync                // a database was made anew, or lost what it had acknowledged
	Full                     // a quota is used up, or a disk
)

// names are what CouchDB calls the kinds.
var names = map[Kind]string{
	Failed: "replication_error", Invalid: "invalid_replication", Missing: "db_not_found", Unauthorized: "unauthorized",
	Forbidden: "forbidden", LoginRefused: "replication_auth_error", OutOfSync: "checkpoint_commit_failure",
	Full: "insufficient_storage",
}

// Error is an error of a replication. Neither Reason nor Err holds credentials.
type Error struct {
	Kind   Kind
	Reason string
	Err    error
}

// Error returns the reason, and what lies behind it.
func (e *Error) Error() string {
	if e.Err == nil {
		return e.Reason
	}
	return e.Reason + ": " + e.Err.Error()
}

// Unwrap returns what lies behind the error.
func (e *Error) Unwrap() error { return e.Err }

// Is reports whether target is an Error of the same kind.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Kind == e.Kind
}

// Name returns CouchDB's name for the kind.
func (e *Error) Name() string { return names[e.Kind] }

// Errorf returns an error of the given kind whose reason is the formatted text.
func Errorf(kind Kind, format string, args ...any) *Error {
	return &Error{Kind: kind, Reason: fmt.Sprintf(format, args...)}
}

// refusals are the kinds of errors with which a target refuses a document for good.
var refusals = []couch.Kind{
	couch.Forbidden, couch.Unauthorized, couch.BadRequest, couch.DocValidation, couch.IllegalDocID, couch.IllegalPartition,
	couch.DocumentTooLarge, couch.AttachmentTooLarge, couch.RequestTooLarge, couch.NotFound, couch.InvalidDesignDoc, couch.BadContentType,
	couch.MissingStub, couch.DigestMismatch,
}

// IsRefusal reports whether a target refuses a document for good.
func IsRefusal(err error) bool {
	if _, ok := errors.AsType[*Error](err); ok {
		return false // what is behind it was not said of a document
	}
	for _, kind := range refusals {
		if errors.Is(err, &couch.Error{Kind: kind}) {
			return true
		}
	}
	return false
}
