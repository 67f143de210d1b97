package find

import (
	"settle/server/viewparams"
	"settle/server/web"
	"settle/storage/docjson"
	"settle/storage/view"
)

// Find is the family of endpoints.
type Find struct {
	indexes *view.Indexes
}

// New returns the family. The databases of requests must be a [Database].
func New(indexes *view.Indexes) *Find { return &Find{indexes} }

// Routes returns the table of this family.
func (f *Find) Routes() []web.Route {
	routes := []web.Route{}
	for _, within := range []string{"/:db", "/:db/_partition/:partition"} {
		routes = append(routes,
			web.Route{Method: "GET", Path: within + "/_index", Privilege: web.Reader, Handler: inPartition(list)},
			web.Route{Method: "POST", Path: within + "/_index", Privilege: web.Writer, Handler: inPartition(create)},
			web.Route{Method: "POST", Path: within + "/_index/_bulk_delete", Privilege: web.Writer, Handler: inPartition(bulkDelete)},
			web.Route{Method: "DELETE", Path: within + "/_index/:design/:type/:name", Privilege: web.Writer, Handler: inPartition(remove)},
			web.Route{Method: "DELETE", Path: within + "/_index/_design/:design/:type/:name", Privilege: web.Writer, Handler: inPartition(remove)})
		for _, below := range []string{"", "/*"} { // CouchDB does not look at what comes behind
			routes = append(routes,
				web.Route{Method: "POST", Path: within + "/_explain" + below, Privilege: web.Reader, Handler: inPartition(f.explain)},
				web.Route{Method: "POST", Path: within + "/_find" + below, Privilege: web.Reader, Handler: inPartition(f.find)})
		}
	}
	return routes
}

// readBody returns the body of a request as docjson prints it.
func readBody(r *web.Request) ([]byte, error) {
	if err := r.RequireJSON(); err != nil {
		return nil, err
	}
	stream, err := r.OpenBody()
	if err != nil {
		return nil, err
	}
	reader := docjson.NewReader(stream)
	body, err := reader.Value()
	if err != nil {
		return nil, err
	}
	return body, reader.End()
}

// inPartition refuses a path whose partition the database cannot have.
func inPartition(next web.Handler) web.Handler {
	return func(r *web.Request) error {
		if _, err := viewparams.PathPartition(r); err != nil {
			return err
		}
		return next(r)
	}
}
