package functions

import (
	"net/http"

	"settle/server/query"
	"settle/server/viewparams"
	"settle/server/web"
	"settle/storage/design"
)

// Functions is the family of endpoints.
type Functions struct {
	engine  *design.Engine
	queries *query.Queries
	// Serve answers a rewritten request, as if the client had sent it.
	serve func(http.ResponseWriter, *http.Request)
}

// New returns the family. The databases of requests must be a [Database]. serve
// answers requests that are rewritten.
func New(engine *design.Engine, queries *query.Queries, serve func(http.ResponseWriter, *http.Request)) *Functions {
	return &Functions{engine, queries, serve}
}

// Routes returns the table of this family.
func (f *Functions) Routes() []web.Route {
	var routes []web.Route
	for _, within := range []string{"/:db", "/:db/_partition/:partition"} {
		routes = append(routes, f.routesOf(within+"/_design/:design")...)
	}
	for _, method := range []string{"GET", "POST", "PUT", "DELETE"} {
		for _, path := range []string{"/:db/_design/:design/_rewrite", "/:db/_design/:design/_rewrite/*"} {
			routes = append(routes, web.Route{Method: method, Path: path, Privilege: web.Reader, Handler: f.rewrite})
		}
	}
	return routes
}

// routesOf returns the rows of the functions that are called below the path of a design
// document.
func (f *Functions) routesOf(under string) []web.Route {
	routes := []web.Route{
		{Method: "GET", Path: under + "/_list/:name/:view", Privilege: web.Reader, Handler: f.list},
		{Method: "POST", Path: under + "/_list/:name/:view", Privilege: web.Reader, Handler: f.list},
		{Method: "GET", Path: under + "/_list/:name/:other/:view", Privilege: web.Reader, Handler: f.list},
		{Method: "POST", Path: under + "/_list/:name/:other/:view", Privilege: web.Reader, Handler: f.list},
	}
	for _, path := range []string{"", "/", "/:name", "/:name/:other/:view/*"} {
		for _, method := range []string{"GET", "POST"} {
			routes = append(routes, web.Route{Method: method, Path: under + "/_list" + path, Privilege: web.Reader, Handler: invalidPath("list_error")})
		}
	}
	for _, method := range []string{"GET", "POST", "PUT", "DELETE"} {
		routes = append(routes,
			web.Route{Method: method, Path: under + "/_show", Privilege: web.Reader, Handler: invalidPath("show_error")},
			web.Route{Method: method, Path: under + "/_update", Privilege: web.Reader, Handler: invalidPath("update_error")})
	}
	for _, method := range []string{"GET", "POST", "PUT", "DELETE", "COPY"} {
		routes = append(routes,
			web.Route{Method: method, Path: under + "/_show/:name", Privilege: web.Reader, Handler: f.show},
			web.Route{Method: method, Path: under + "/_show/:name/*", Privilege: web.Reader, Handler: f.show})
	}
	for _, method := range []string{"POST", "PUT", "DELETE"} {
		routes = append(routes,
			web.Route{Method: method, Path: under + "/_update/:name", Privilege: web.Writer, Handler: f.update},
			web.Route{Method: method, Path: under + "/_update/:name/*", Privilege: web.Writer, Handler: f.update})
	}
	// The engine refuses GET, after a look whether there is such a function.
	for _, path := range []string{under + "/_update/:name", under + "/_update/:name/*"} {
		routes = append(routes, web.Route{Method: "GET", Path: path, Privilege: web.Reader, Handler: f.update})
	}
	for i := range routes {
		routes[i].Handler = inPartition(routes[i].Handler)
	}
	return routes
}

// inPartition refuses a partition that the path cannot name.
func inPartition(h web.Handler) web.Handler {
	return func(r *web.Request) error {
		if _, err := viewparams.PathPartition(r); err != nil {
			return err
		}
		return h(r)
	}
}

// invalidPath refuses a path that names no function.
func invalidPath(name string) web.Handler {
	return func(*web.Request) error {
		return &web.Error{Status: http.StatusNotFound, Name: name, Reason: "Invalid path."}
	}
}
