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
	return routes
}

// routesOf returns the rows of the functions that are called below the path of a design
// document.
func (f *Functions) routesOf(under string) []web.Route {
	routes := f.listRoutes(under + "/_list")
	routes = append(routes,
		web.Route{Method: web.AnyMethod, Path: under + "/_show", Privilege: web.Reader, Handler: invalidPath("show_error")},
		web.Route{Method: web.AnyMethod, Path: under + "/_update", Privilege: web.Reader, Handler: invalidPath("update_error")})
	for _, path := range []string{"/_rewrite", "/_rewrite/*"} {
		routes = append(routes, web.Route{Method: web.AnyMethod, Path: under + path, Privilege: web.Reader, Handler: f.rewrite})
	}
	for _, rest := range []string{"/:name", "/:name/*"} {
		show, update := under+"/_show"+rest, under+"/_update"+rest
		for _, method := range []string{"GET", "POST", "PUT", "DELETE", "COPY"} {
			routes = append(routes, web.Route{Method: method, Path: show, Privilege: web.Reader, Handler: f.show})
		}
		for _, method := range []string{"POST", "PUT", "DELETE", "COPY"} {
			routes = append(routes, web.Route{Method: method, Path: update, Privilege: web.Writer, Handler: f.update})
		}
		routes = append(routes,
			web.Route{Method: web.AnyMethod, Path: show, Privilege: web.Reader, Handler: only("GET,HEAD,POST,PUT,DELETE,COPY")},
			// The engine refuses GET, after a look whether there is such a function.
			web.Route{Method: "GET", Path: update, Privilege: web.Reader, Handler: f.update},
			web.Route{Method: web.AnyMethod, Path: update, Privilege: web.Writer, Handler: only("POST,PUT,DELETE,COPY,GET,HEAD")})
	}
	for i := range routes {
		routes[i].Handler = inPartition(routes[i].Handler)
	}
	return routes
}

// listRoutes returns the rows of list functions.
func (f *Functions) listRoutes(under string) []web.Route {
	var routes []web.Route
	add := func(path string, handler web.Handler) {
		for _, method := range []string{"GET", "POST"} {
			routes = append(routes, web.Route{Method: method, Path: under + path, Privilege: web.Reader, Handler: handler})
		}
		routes = append(routes, web.Route{Method: web.AnyMethod, Path: under + path, Privilege: web.Reader, Handler: only("GET,POST,HEAD")})
	}
	for _, path := range []string{"/:name/:view", "/:name/:other/:view"} {
		add(path, f.list)
	}
	for _, path := range []string{"", "/", "/:name", "/:name/:other/:view/*"} {
		add(path, invalidPath("list_error"))
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

// invalidPath refuses a path that names no function. CouchDB looks for the design document
// first.
func invalidPath(name string) web.Handler {
	return func(r *web.Request) error {
		if _, err := storedDesign(r); err != nil {
			return err
		}
		return &web.Error{Status: http.StatusNotFound, Name: name, Reason: "Invalid path."}
	}
}

// only refuses other methods than those listed, where there is the design document.
func only(methods string) web.Handler {
	return func(r *web.Request) error {
		if _, err := storedDesign(r); err != nil {
			return err
		}
		return r.OnlyAllow(methods)
	}
}
