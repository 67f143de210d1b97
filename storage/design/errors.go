package design

import (
	"encoding/json"

	"settle/storage/couch"
)

// The names of errors that this package gives by itself. Functions may throw
// errors of any name.
const (
	NotFound             = "not_found" // no such function
	CompilationError     = "compilation_error"
	InvalidDesignDoc     = "invalid_design_doc"
	UnknownQueryLanguage = "unknown_query_language"
	OSProcessError       = "os_process_error" // a limit was reached; CouchDB's name for it
	InternalError        = "InternalError"    // no memory or stack left
	UnknownError         = "unknown_error"    // a validation function threw something else
	RewriteError         = "rewrite_error"
	RenderError          = "render_error"
)

// Error is an error of a design function, as it is shown to clients.
type Error struct {
	Name string // the `error` member of the answer
	// Reason is the `reason` member, JSON: most often a string, but a validation
	// function may forbid with any value.
	Reason json.RawMessage
}

func newError(name, reason string) *Error {
	text, err := json.Marshal(reason)
	if err != nil {
		text = []byte(`""`)
	}
	return &Error{Name: name, Reason: text}
}

// Error returns the name and the reason.
func (e *Error) Error() string { return e.Name + ": " + e.Text() }

// Text returns the reason as text: a string's value, else the JSON.
func (e *Error) Text() string {
	var s string
	if isNull(e.Reason) || json.Unmarshal(e.Reason, &s) != nil {
		return string(e.Reason)
	}
	return s
}

var kinds = map[string]couch.Kind{
	"forbidden":          couch.Forbidden,
	"unauthorized":       couch.Unauthorized,
	NotFound:             couch.NotFound,
	"method_not_allowed": couch.MethodNotAllowed,
}

// Unwrap returns the error in the terms of package couch: kinds Forbidden,
// Unauthorized, NotFound, MethodNotAllowed, else Internal.
func (e *Error) Unwrap() error {
	return &couch.Error{Kind: kinds[e.Name], Reason: e.Text()}
}

var (
	errTime = newError(OSProcessError, "OS process timed out.")
	errStop = newError(OSProcessError, "The function's runtime has failed.")
	errLate = newError(OSProcessError, "An earlier call of these functions has not ended.")
)
