package couch

import (
	"strings"
	"unicode/utf8"
)

// DocID names a document within its database. Any UTF-8 text, but for the
// reserved underscore names.
type DocID string

// Prefixes of the document ids that CouchDB reserves.
const (
	DesignPrefix = "_design/"
	LocalPrefix  = "_local/"
)

// IsDesign reports whether the id is a design document's.
func (id DocID) IsDesign() bool { return strings.HasPrefix(string(id), DesignPrefix) }

// IsLocal reports whether the id is a local document's.
func (id DocID) IsLocal() bool { return strings.HasPrefix(string(id), LocalPrefix) }

// Validate checks an id that a client gave. Errors are IllegalDocID or BadRequest.
func (id DocID) Validate() error {
	switch {
	case id == "":
		return &Error{Kind: IllegalDocID, Reason: "Document id must not be empty"}
	case len(id) > MaxDocID:
		return &Error{Kind: IllegalDocID, Reason: "Document id is too long"}
	case !utf8.ValidString(string(id)):
		return &Error{Kind: IllegalDocID, Reason: "Document id must be valid UTF-8"}
	case id == DesignPrefix || id == LocalPrefix:
		return &Error{Kind: IllegalDocID, Reason: "Illegal document id `" + string(id) + "`"}
	case id[0] == '_' && !id.IsDesign() && !id.IsLocal():
		return &Error{Kind: IllegalDocID, Reason: "Only reserved document ids may start with underscore."}
	}
	return nil
}
