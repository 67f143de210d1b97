package web

import (
	"context"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"settle/server/auth"
	"settle/storage/couch"
)

// Request is one request on its way through a handler, and the answer to it.
// It belongs to the handler's goroutine.
type Request struct {
	*http.Request
	// Response is where the answer goes. The helpers of this package write to it.
	Response *echo.Response
	// Session is who asks.
	Session auth.Session
	// ID is the X-Couch-Request-ID of the answer.
	ID string

	params   echo.Context
	database Database
	query    Query
	options  *Options

	compressors *compressors      // nil: the answer is not to be compressed
	compressed  *compressedAnswer // nil: it is not
}

// Database is what this layer needs of a database. Handlers get back the type
// that Options.FindDatabase returned, by [DatabaseOf].
type Database interface {
	Name() string
}

// DatabaseOf returns the database that the route's ":db" names, as looked up
// before the handler was called. It panics when the route's privilege is none
// on a database, or T is not what Options.FindDatabase returns.
func DatabaseOf[T any](r *Request) T { return r.database.(T) }

// Param returns a part of the path by its name in the route, unescaped. The
// name "*" stands for the rest of the path.
func (r *Request) Param(name string) string {
	return unescapeSegment(r.params.Param(name))
}

// Segments returns the segments of a part of the path by its name in the route, each
// unescaped: a slash that was escaped parts nothing.
func (r *Request) Segments(name string) []string {
	segments := strings.FieldsFunc(r.params.Param(name), func(c rune) bool { return c == '/' })
	for i, segment := range segments {
		segments[i] = unescapeSegment(segment)
	}
	return segments
}

// OnlyAllow refuses the method of the request: the path has those that are listed.
func (r *Request) OnlyAllow(methods string) error {
	r.Response.Header().Set("Allow", methods)
	return couch.Errorf(couch.MethodNotAllowed, "Only %s allowed", methods)
}

// DocID returns the document id that a part of the path stands for.
func (r *Request) DocID(param string) couch.DocID { return couch.DocID(r.Param(param)) }

// Query returns the query parameters.
func (r *Request) Query() Query { return r.query }

// Limits returns the bounds in force for what clients send.
func (r *Request) Limits() couch.Limits { return r.options.Limits() }

// Draining returns a channel that is closed when the server begins to shut
// down: a feed that waits then ends its answer.
func (r *Request) Draining() <-chan struct{} { return r.options.Draining }

// Context returns the request's context. It ends when the client goes away, and
// when the time for a shutdown has run out.
func (r *Request) Context() context.Context { return r.Request.Context() }
