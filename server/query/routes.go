package query

import (
	"settle/server/web"
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
	routes := []web.Route{
		{Method: "POST", Path: "/:db/_view_cleanup", Privilege: web.Maintainer, Handler: q.cleanUp},
		{Method: "POST", Path: "/:db/_view_cleanup/*", Privilege: web.Maintainer, Handler: q.cleanUp},
	}
	for _, within := range []string{"/:db", "/:db/_partition/:partition"} {
		design := within + "/_design/:design"
		routes = append(routes,
			web.Route{Method: "GET", Path: design + "/_view/:view", Privilege: web.Reader, Handler: q.query},
			web.Route{Method: "POST", Path: design + "/_view/:view", Privilege: web.Reader, Handler: q.query},
			web.Route{Method: web.AnyMethod, Path: design + "/_view/:view", Privilege: web.Reader, Handler: only(viewMethods)},
			web.Route{Method: "POST", Path: design + "/_view/:view/queries", Privilege: web.Reader, Handler: q.queries},
			web.Route{Method: web.AnyMethod, Path: design + "/_view/:view/queries", Privilege: web.Reader, Handler: only("POST")},
			// A path that names no view is refused as if the method were wrong.
			web.Route{Method: web.AnyMethod, Path: design + "/_view", Privilege: web.Reader, Handler: only(viewMethods)},
			web.Route{Method: web.AnyMethod, Path: design + "/_view/", Privilege: web.Reader, Handler: only(viewMethods)},
			web.Route{Method: web.AnyMethod, Path: design + "/_view/:view/*", Privilege: web.Reader, Handler: only(viewMethods)},
			web.Route{Method: "GET", Path: design + "/_info", Privilege: web.Reader, Handler: q.info},
			web.Route{Method: web.AnyMethod, Path: design + "/_info", Privilege: web.Reader, Handler: only("GET")})
	}
	return routes
}

const viewMethods = "GET,POST,HEAD"

// only refuses other methods than those listed. CouchDB looks for the design document first.
func only(methods string) web.Handler {
	return func(r *web.Request) error {
		if _, err := designOf(r); err != nil {
			return err
		}
		return r.OnlyAllow(methods)
	}
}
