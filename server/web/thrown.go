package web

import (
	"encoding/json"
	"errors"
	"net/http"

	"settle/storage/design"
	"settle/storage/docjson"
)

// thrownStatuses are the answers to errors that design functions give names to. CouchDB
// answers 500 to most of them; here it is the function, and so the client's side, that
// is at fault.
var thrownStatuses = map[string]int{
	"forbidden": http.StatusForbidden, "unauthorized": http.StatusUnauthorized,
	"method_not_allowed": http.StatusMethodNotAllowed, "not_acceptable": http.StatusNotAcceptable,
	"bad_request": http.StatusBadRequest, "query_parse_error": http.StatusBadRequest, "doc_validation": http.StatusBadRequest,
	"illegal_docid": http.StatusBadRequest, "illegal_partition": http.StatusBadRequest,
	"conflict": http.StatusConflict, "missing_stub": http.StatusPreconditionFailed,
	design.NotFound: http.StatusNotFound, design.RewriteError: http.StatusNotFound,
	design.CompilationError: http.StatusBadRequest, design.InvalidDesignDoc: http.StatusBadRequest,
	design.UnknownQueryLanguage: http.StatusBadRequest,
}

func thrownStatus(e *design.Error) int {
	if status, ok := thrownStatuses[e.Name]; ok {
		return status
	}
	return http.StatusUnprocessableEntity
}

// AppendReason appends the reason of an error as JSON: a string, but for a function that
// refuses a document with another value.
func AppendReason(dst []byte, err error) []byte {
	_, _, reason := Describe(err)
	return append(dst, reasonJSON(err, reason)...)
}

func reasonJSON(err error, reason string) json.RawMessage {
	if thrown, ok := errors.AsType[*design.Error](err); ok && json.Valid(thrown.Reason) {
		return thrown.Reason
	}
	return docjson.AppendString(nil, reason)
}
