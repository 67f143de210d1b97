package web

import (
	"context"
	"errors"
	"net/http"

	"settle/storage/couch"
	"settle/storage/design"
)

// Error is an error whose answer is none of the usual ones: a handler picks
// the status and the error's name itself.
type Error struct {
	Status int
	Name   string
	Reason string
}

// Error returns name and reason.
func (e *Error) Error() string { return e.Name + ": " + e.Reason }

// answer is how a kind of error looks to a client.
type answer struct {
	status int
	name   string
	reason string // where the error has none of its own
}

// answers is the one table from kinds to CouchDB's answers.
var answers = map[couch.Kind]answer{
	couch.Internal:            {http.StatusInternalServerError, "internal_server_error", "No reason"},
	couch.BadRequest:          {http.StatusBadRequest, "bad_request", "invalid request"},
	couch.DocValidation:       {http.StatusBadRequest, "doc_validation", "Bad special document member"},
	couch.IllegalDocID:        {http.StatusBadRequest, "illegal_docid", "Only reserved document ids may start with underscore."},
	couch.IllegalPartition:    {http.StatusBadRequest, "illegal_partition", "Partition must not be empty"},
	couch.InvalidDesignDoc:    {http.StatusBadRequest, "invalid_design_doc", "Invalid design document"},
	couch.IllegalDatabaseName: {http.StatusBadRequest, "illegal_database_name", "Illegal database name"},
	couch.QueryParse:          {http.StatusBadRequest, "query_parse_error", "Invalid value for a query parameter"},
	couch.NotFound:            {http.StatusNotFound, "not_found", "missing"},
	couch.Deleted:             {http.StatusNotFound, "not_found", "deleted"},
	couch.DatabaseMissing:     {http.StatusNotFound, "not_found", "Database does not exist."},
	couch.DatabaseExists:      {http.StatusPreconditionFailed, "file_exists", "The database could not be created, the file already exists."},
	couch.Conflict:            {http.StatusConflict, "conflict", "Document update conflict."},
	couch.Unauthorized:        {http.StatusUnauthorized, "unauthorized", "Authentication required."},
	couch.Forbidden:           {http.StatusForbidden, "forbidden", "You are not allowed to access this db."},
	couch.MissingStub:         {http.StatusPreconditionFailed, "missing_stub", "Invalid attachment stub"},
	couch.DocumentTooLarge:    {http.StatusRequestEntityTooLarge, "document_too_large", ""},
	couch.AttachmentTooLarge:  {http.StatusRequestEntityTooLarge, "attachment_too_large", ""},
	couch.RequestTooLarge:     {http.StatusRequestEntityTooLarge, "too_large", "the request entity is too large"},
	couch.URITooLong:          {http.StatusRequestURITooLong, "too_long", "the request uri is too long"},
	couch.BadContentType:      {http.StatusUnsupportedMediaType, "bad_content_type", "Content-Type must be application/json"},
	couch.RangeNotSatisfiable: {http.StatusRequestedRangeNotSatisfiable, "requested_range_not_satisfiable", "Requested range not satisfiable"},
	couch.DigestMismatch:      {http.StatusBadRequest, "content_md5_mismatch", "Possible message corruption."},
	couch.NotImplemented:      {http.StatusNotImplemented, "not_implemented", "This server does not do that."},
	couch.MethodNotAllowed:    {http.StatusMethodNotAllowed, "method_not_allowed", "Method not allowed"},
	couch.ExpectationFailed:   {http.StatusExpectationFailed, "expectation_failed", "Expectation failed"},
	couch.NoSpace:             {http.StatusInsufficientStorage, "insufficient_storage", "database_dir is too full"},
	couch.OverQuota:           {http.StatusInsufficientStorage, "insufficient_storage", "The database's quota is used up."},
	couch.AlreadyDelivered:    {http.StatusConflict, "already_delivered", "The id was used for a delivery before."},
	couch.Unavailable:         {http.StatusServiceUnavailable, "service_unavailable", "The server is shutting down."},
	couch.Away:                {http.StatusServiceUnavailable, "service_unavailable", "The place that has the content does not answer."},
	couch.Gone:                {http.StatusGone, "gone", "The place that had the content has it no more."},
	couch.Corrupt:             {http.StatusInternalServerError, "internal_server_error", "Stored data is damaged."},

	couch.InvalidSelectorJSON:  {http.StatusBadRequest, "invalid_selector_json", "Selector must be a JSON object"},
	couch.InvalidSelector:      {http.StatusBadRequest, "invalid_selector", "One or more conditions is missing a field name."},
	couch.InvalidOperator:      {http.StatusBadRequest, "invalid_operator", "Invalid operator"},
	couch.OperatorNotSupported: {http.StatusBadRequest, "not_supported", "Unsupported operator"},
	couch.BadArgument:          {http.StatusBadRequest, "bad_arg", "Bad argument for an operator"},
	couch.BadField:             {http.StatusBadRequest, "bad_field", "Invalid field normalization on selector"},
	couch.InvalidFieldName:     {http.StatusBadRequest, "invalid_field_name", "Invalid field name"},
	couch.InvalidFields:        {http.StatusBadRequest, "invalid_fields", "Fields must be an array of strings"},
	couch.InvalidField:         {http.StatusBadRequest, "invalid_field", "Invalid JSON for field spec"},

	couch.MissingKey:           {http.StatusBadRequest, "missing_required_key", "Missing required key"},
	couch.InvalidKey:           {http.StatusBadRequest, "invalid_key", "Invalid key for this request."},
	couch.InvalidString:        {http.StatusBadRequest, "invalid_string", "Invalid string"},
	couch.EmptyString:          {http.StatusBadRequest, "invalid_empty_string", "Index name or ddoc cannot be empty string"},
	couch.InvalidBoolean:       {http.StatusBadRequest, "invalid_boolean", "Invalid boolean value"},
	couch.InvalidPositive:      {http.StatusBadRequest, "invalid_pos_integer", "Not an integer greater than zero"},
	couch.InvalidCount:         {http.StatusBadRequest, "invalid_non_neg_integer", "Not an integer greater than or equal to zero"},
	couch.InvalidValue:         {http.StatusBadRequest, "invalid_value", "Invalid value"},
	couch.InvalidSort:          {http.StatusBadRequest, "invalid_sort_json", "Sort must be an array of sort specs"},
	couch.InvalidSortField:     {http.StatusBadRequest, "invalid_sort_field", "Invalid sort field"},
	couch.MixedSort:            {http.StatusBadRequest, "unsupported_mixed_sort", "Sorts currently only support a single direction for all fields."},
	couch.InvalidBookmark:      {http.StatusBadRequest, "invalid_bookmark", "Invalid bookmark value"},
	couch.InvalidIndexName:     {http.StatusBadRequest, "invalid_index_name", "Invalid index name"},
	couch.InvalidIndex:         {http.StatusBadRequest, "invalid_index", "Invalid index"},
	couch.NoUsableIndex:        {http.StatusBadRequest, "no_usable_index", "No index exists for this sort, try indexing by the sort fields."},
	couch.NoIndexService:       {http.StatusServiceUnavailable, "required index service unavailable", "text"},
	couch.InvalidIndexLanguage: {http.StatusBadRequest, "invalid_ddoc_lang", "Existing design doc has an invalid language"},
	couch.InvalidPartitioned:   {http.StatusBadRequest, "invalid_partitioned_option", "Requested partitioned option does not match existing value on design document"},
	couch.InvalidReduction:     {http.StatusBadRequest, "invalid_value", "A value cannot be reduced."},
	couch.InvalidBulkDelete:    {http.StatusBadRequest, "invalid_bulk_docs", "Bulk Delete requires an array of non-null docids."},
}

// Describe returns how an error looks to a client: the status, CouchDB's name
// for the error, and the reason. The reason never holds what lies behind an
// error, so it is safe to show. Rows of a batch print name and reason too.
func Describe(err error) (status int, name, reason string) {
	if own, ok := errors.AsType[*Error](err); ok {
		return own.Status, own.Name, own.Reason
	}
	if thrown, ok := errors.AsType[*design.Error](err); ok {
		return thrownStatus(thrown), thrown.Name, thrown.Text()
	}
	kind, reason := couch.Internal, ""
	if domain, ok := errors.AsType[*couch.Error](err); ok {
		kind, reason = domain.Kind, domain.Reason
	} else if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		kind = couch.Unavailable
	}
	a, ok := answers[kind]
	if !ok {
		a = answers[couch.Internal]
	}
	if kind == couch.Internal {
		reason = ""
	}
	if reason == "" {
		reason = a.reason
	}
	return a.status, a.name, reason
}
