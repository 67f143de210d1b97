package query

import (
	"settle/server/web"
	"settle/storage/couch"
	"settle/storage/view"
)

// Queries is the family of endpoints.
type Queries struct {
	indexes *view.Indexes
}

// New returns the family. The databases of requests must be a [Database].
func New(indexes *view.Indexes) *Queries { return &Queries{indexes} }

// Routes returns the table of this family.
func (q *Queries) Routes() []web.Route {
	return []web.Route{
		{Method: "GET", Path: "/:db/_design/:design/_view/:view", Privilege: web.Reader, Handler: q.query},
		{Method: "POST", Path: "/:db/_design/:design/_view/:view", Privilege: web.Reader, Handler: q.query},
		{Method: "POST", Path: "/:db/_design/:design/_view/:view/queries", Privilege: web.Reader, Handler: q.queries},
		{Method: web.AnyMethod, Path: "/:db/_design/:design/_view", Privilege: web.Reader, Handler: noView},
		{Method: web.AnyMethod, Path: "/:db/_design/:design/_view/", Privilege: web.Reader, Handler: noView},
		{Method: web.AnyMethod, Path: "/:db/_design/:design/_view/:view/*", Privilege: web.Reader, Handler: noView},
		{Method: "GET", Path: "/:db/_design/:design/_info", Privilege: web.Reader, Handler: q.info},
		{Method: "GET", Path: "/:db/_partition/:partition/_design/:design/_view/:view", Privilege: web.Reader, Handler: q.query},
		{Method: "POST", Path: "/:db/_partition/:partition/_design/:design/_view/:view", Privilege: web.Reader, Handler: q.query},
		{Method: "POST", Path: "/:db/_partition/:partition/_design/:design/_view/:view/queries", Privilege: web.Reader, Handler: q.queries},

		{Method: "POST", Path: "/:db/_view_cleanup", Privilege: web.Maintainer, Handler: q.cleanUp},
		{Method: "POST", Path: "/:db/_view_cleanup/*", Privilege: web.Maintainer, Handler: q.cleanUp},
	}
}

// noView refuses paths that name no view; as CouchDB does, as if the method were wrong.
func noView(r *web.Request) error {
	r.Response.Header().Set("Allow", "GET,POST,HEAD")
	return couch.Errorf(couch.MethodNotAllowed, "Only GET,POST,HEAD allowed")
}
