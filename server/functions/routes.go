package functions

import (
	"net/http"

	"settle/server/query"
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
	routes := []web.Route{
		{Method: "GET", Path: "/:db/_design/:design/_list/:name/:view", Privilege: web.Reader, Handler: f.list},
		{Method: "POST", Path: "/:db/_design/:design/_list/:name/:view", Privilege: web.Reader, Handler: f.list},
		{Method: "GET", Path: "/:db/_design/:design/_list/:name/:other/:view", Privilege: web.Reader, Handler: f.list},
		{Method: "POST", Path: "/:db/_design/:design/_list/:name/:other/:view", Privilege: web.Reader, Handler: f.list},
	}
	for _, path := range []string{"", "/", "/:name", "/:name/:other/:view/*"} {
		for _, method := range []string{"GET", "POST"} {
			routes = append(routes, web.Route{Method: method, Path: "/:db/_design/:design/_list" + path, Privilege: web.Reader, Handler: invalidPath("list_error")})
		}
	}
	for _, method := range []string{"GET", "POST", "PUT", "DELETE"} {
		routes = append(routes,
			web.Route{Method: method, Path: "/:db/_design/:design/_show", Privilege: web.Reader, Handler: invalidPath("show_error")},
			web.Route{Method: method, Path: "/:db/_design/:design/_update", Privilege: web.Reader, Handler: invalidPath("update_error")})
	}
	for _, method := range []string{"GET", "POST", "PUT", "DELETE", "COPY"} {
		routes = append(routes,
			web.Route{Method: method, Path: "/:db/_design/:design/_show/:name", Privilege: web.Reader, Handler: f.show},
			web.Route{Method: method, Path: "/:db/_design/:design/_show/:name/*", Privilege: web.Reader, Handler: f.show})
	}
	for _, method := range []string{"POST", "PUT", "DELETE"} {
		routes = append(routes,
			web.Route{Method: method, Path: "/:db/_design/:design/_update/:name", Privilege: web.Writer, Handler: f.update},
			web.Route{Method: method, Path: "/:db/_design/:design/_update/:name/*", Privilege: web.Writer, Handler: f.update})
	}
	// The engine refuses GET, after a look whether there is such a function.
	for _, path := range []string{"/:db/_design/:design/_update/:name", "/:db/_design/:design/_update/:name/*"} {
		routes = append(routes, web.Route{Method: "GET", Path: path, Privilege: web.Reader, Handler: f.update})
	}
	for _, method := range []string{"GET", "POST", "PUT", "DELETE"} {
		for _, path := range []string{"/:db/_design/:design/_rewrite", "/:db/_design/:design/_rewrite/*"} {
			routes = append(routes, web.Route{Method: method, Path: path, Privilege: web.Reader, Handler: f.rewrite})
		}
	}
	return routes
}

// invalidPath refuses a path that names no function.
func invalidPath(name string) web.Handler {
	return func(*web.Request) error {
		return &web.Error{Status: http.StatusNotFound, Name: name, Reason: "Invalid path."}
	}
}
