package find

import (
	"settle/server/viewparams"
	"settle/server/web"
	"settle/storage/docjson"
	"settle/storage/view"
)

// Find is the family of endpoints.
type Find struct {
	indexes  *view.Indexes
	settings func() Settings
}

// Settings is what the configuration says of searches.
type Settings struct {
	Limit int // documents of an answer, where the query does not say
	// ScanWarning is how many documents may be looked at for each that is shown before
	// the client is told; 0: it never is.
	ScanWarning int64
}

// New returns the family. The databases of requests must be a [Database]; settings is
// asked at each request.
func New(indexes *view.Indexes, settings func() Settings) *Find { return &Find{indexes, settings} }

// Routes returns the table of this family.
func (f *Find) Routes() []web.Route {
	routes := []web.Route{}
	for _, within := range []string{"/:db", "/:db/_partition/:partition"} {
		routes = append(routes,
			web.Route{Method: "GET", Path: within + "/_index", Privilege: web.Reader, Handler: inPartition(list)},
			web.Route{Method: "POST", Path: within + "/_index", Privilege: web.Writer, Handler: inPartition(create)},
			web.Route{Method: web.AnyMethod, Path: within + "/_index", Privilege: web.Reader, Handler: inPartition(only("GET,POST"))},
			web.Route{Method: "POST", Path: within + "/_index/_bulk_delete", Privilege: web.Writer, Handler: inPartition(bulkDelete)},
			web.Route{Method: web.AnyMethod, Path: within + "/_index/_bulk_delete", Privilege: web.Reader, Handler: inPartition(only("POST"))})
		for _, design := range []string{"/:design", "/_design/:design"} {
			path := within + "/_index" + design + "/:type/:name"
			routes = append(routes,
				web.Route{Method: "DELETE", Path: path, Privilege: web.Writer, Handler: inPartition(remove)},
				web.Route{Method: web.AnyMethod, Path: path, Privilege: web.Reader, Handler: inPartition(only("DELETE"))})
		}
		for _, below := range []string{"", "/*"} { // CouchDB does not look at what comes behind
			routes = append(routes,
				web.Route{Method: "POST", Path: within + "/_explain" + below, Privilege: web.Reader, Handler: inPartition(f.explain)},
				web.Route{Method: web.AnyMethod, Path: within + "/_explain" + below, Privilege: web.Reader, Handler: inPartition(only("POST"))},
				web.Route{Method: "POST", Path: within + "/_find" + below, Privilege: web.Reader, Handler: inPartition(f.find)},
				web.Route{Method: web.AnyMethod, Path: within + "/_find" + below, Privilege: web.Reader, Handler: inPartition(only("POST"))})
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

// only refuses other methods than those listed. CouchDB looks at the partition first.
func only(methods string) web.Handler {
	return func(r *web.Request) error { return r.OnlyAllow(methods) }
}
