package web

import (
	"net/http"
	"slices"
	"strings"
)

// CORS says which pages of other origins may ask this server from a browser.
type CORS struct {
	// Enabled is whether any may.
	Enabled bool
	// Origins are those that may, as browsers write them: "https://app.example:8443".
	// "*" stands for all. Case matters.
	Origins []string
	// Credentials is whether the browser may send cookies and passwords along.
	Credentials bool
	// Methods are those that a page may use. Nil: CouchDB's.
	Methods []string
	// Headers are those that a page may send, in lower case. Nil: CouchDB's.
	Headers []string
	// Exposed are the answer's headers that a page may read, beside content-type and
	// cache-control. Nil: CouchDB's.
	Exposed []string
	// MaxAge is how long a browser may remember a preflight's answer, in seconds.
	MaxAge string
}

// What CouchDB 3.5 allows where its configuration says nothing.
var (
	corsMethods = []string{"CONNECT", "COPY", "DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT", "TRACE"}
	corsHeaders = []string{
		"accept", "accept-language", "authorization", "content-length", "content-range", "content-type", "destination",
		"expires", "if-match", "last-modified", "origin", "pragma", "x-couch-full-commit", "x-couch-id", "x-couch-persist",
		"x-couchdb-www-authenticate", "x-http-method-override", "x-requested-with", "x-couchdb-vhost-path",
	}
	corsExposed = []string{"accept-ranges", "etag", "server", "x-couch-request-id", "x-couch-update-newrev", "x-couchdb-body-time"}
)

// answer adds to an answer's header what the origin of the request may do with
// it, and reports whether the request is a preflight that is allowed, and so
// answered by the header alone. Any other preflight goes the way of every
// OPTIONS, as in CouchDB.
func (c CORS) answer(req *http.Request, head http.Header) (preflight bool) {
	if !c.Enabled {
		return false
	}
	head.Add("Vary", "Origin") // also where there is none: a cache must not give the answer to a page
	if len(req.Header.Values("Origin")) == 0 {
		return false
	}
	origin := strings.Join(req.Header.Values("Origin"), ", ") // several are none of ours
	if !slices.Contains(c.Origins, "*") && !slices.Contains(c.Origins, origin) {
		return false
	}
	head.Set("Access-Control-Allow-Origin", origin)
	if c.Credentials && origin != "*" {
		head.Set("Access-Control-Allow-Credentials", "true")
	}
	if c.allowsPreflight(req) {
		head.Set("Access-Control-Max-Age", c.MaxAge)
		head.Set("Access-Control-Allow-Methods", strings.Join(orStandard(c.Methods, corsMethods), ", "))
		head.Set("Access-Control-Allow-Headers", req.Header.Get("Access-Control-Request-Headers"))
		return true
	}
	exposed := append([]string{"content-type", "cache-control"}, orStandard(c.Exposed, corsExposed)...)
	head.Set("Access-Control-Expose-Headers", strings.Join(exposed, ", "))
	return false
}

// allowsPreflight reports whether a request of an allowed origin is a preflight,
// and asks for nothing but what pages may do.
func (c CORS) allowsPreflight(req *http.Request) bool {
	method := req.Header.Get("Access-Control-Request-Method")
	if req.Method != http.MethodOptions || method == "" || !slices.Contains(orStandard(c.Methods, corsMethods), method) {
		return false
	}
	allowed := orStandard(c.Headers, corsHeaders)
	for name := range strings.SplitSeq(req.Header.Get("Access-Control-Request-Headers"), ",") {
		name = strings.ToLower(strings.TrimSpace(name))
		if name != "" && !slices.Contains(allowed, name) {
			return false
		}
	}
	return true
}

func orStandard(list, standard []string) []string {
	if list == nil {
		return standard
	}
	return list
}

// varyByOrigin leaves of a Vary header only what CORS has put there.
func varyByOrigin(head http.Header) {
	byOrigin := slices.Contains(head.Values("Vary"), "Origin")
	head.Del("Vary")
	if byOrigin {
		head.Set("Vary", "Origin")
	}
}
