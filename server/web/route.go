package web

import (
	"net/http"
	"slices"
	"strings"
)

// Route is one row of a family's table.
type Route struct {
	// Method is the HTTP method. A GET row serves HEAD too, unless the table has
	// a HEAD row for the same path; an AnyMethod row serves every method that has no
	// row.
	Method string
	// Path is a pattern: "/:db/:doc" names single segments, a last "*" takes the
	// rest. Matching works on escaped segments, so that a name may contain "/".
	Path      string
	Privilege Privilege
	Handler   Handler
	// Header, where it is not nil, sets what every answer on the path has in its header,
	// also one that refuses. The first row of a path that has it counts for all.
	Header func(http.Header)
}

// AnyMethod is the method of rows that serve whatever method is asked for.
const AnyMethod = "*"

// Handler answers one request. The error it returns becomes the answer, unless
// the answer has begun: then the connection is cut, so that the client cannot
// take a part for the whole.
type Handler func(r *Request) error

// Privilege is what a request must be allowed to do before its handler runs.
type Privilege int

// The privileges. Those about a database need a ":db" in the route's path: the
// database is looked up first, and one that is missing is a 404 for anybody.
const (
	// Public: anybody.
	Public Privilege = iota
	// User: anybody who has logged in.
	User
	// Reader: may read the database.
	Reader
	// Deliverer: may deliver into the database.
	Deliverer
	// Writer: may change documents of the database.
	Writer
	// DatabaseAdmin: may change the database's design documents and settings.
	DatabaseAdmin
	// Maintainer: may change how the database is stored. It is the same people as
	// DatabaseAdmin, but CouchDB refuses others by a 401 always.
	Maintainer
	// ServerAdmin: may do everything.
	ServerAdmin
	// Metrics: may see the server's numbers, as a server administrator or by the role
	// _metrics.
	Metrics
)

// ofDatabase reports whether the privilege is one on a database.
func (p Privilege) ofDatabase() bool { return p >= Reader && p <= Maintainer }

// resource is what the rows of one path have in common.
type resource struct {
	path      string
	privilege Privilege // of a method that the path does not have
	header    func(http.Header)
	methods   []string // as in the table
	routes    map[string]Route
}

// resources groups the rows of all tables by path, in the tables' order.
func resources(tables [][]Route) []*resource {
	var list []*resource
	byPath := map[string]*resource{}
	for _, table := range tables {
		for _, row := range table {
			res := byPath[row.Path]
			if res == nil {
				res = &resource{path: row.Path, privilege: row.Privilege, routes: map[string]Route{}}
				byPath[row.Path] = res
				list = append(list, res)
			}
			if _, twice := res.routes[row.Method]; twice {
				panic("web: two rows for " + row.Method + " " + row.Path)
			}
			res.routes[row.Method] = row
			if res.header == nil {
				res.header = row.Header
			}
			if row.Method != AnyMethod {
				res.methods = append(res.methods, row.Method)
			}
		}
	}
	return list
}

// find returns the row that serves a method.
func (res *resource) find(method string) (Route, bool) {
	route, ok := res.routes[method]
	if method == AnyMethod { // a client may say so
		ok = false
	}
	if !ok && method == "HEAD" {
		route, ok = res.routes["GET"]
	}
	if !ok && slices.Contains(routedMethods, method) { // others have no parameters
		route, ok = res.routes[AnyMethod]
	}
	return route, ok
}

// allow lists the methods of the path, as the Allow header has them.
func (res *resource) allow() string {
	if _, any := res.routes[AnyMethod]; any {
		return strings.Join(routedMethods, ",")
	}
	var b strings.Builder
	_, ownHead := res.routes["HEAD"]
	for i, m := range res.methods {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(m)
		if m == "GET" && !ownHead {
			b.WriteString(",HEAD")
		}
	}
	return b.String()
}
