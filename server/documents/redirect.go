package documents

import (
	"net/http"
	"regexp"
	"strings"

	"settle/storage/couch"
)

// escapedDesign finds where a path names a design document with its slash escaped.
var escapedDesign = regexp.MustCompile(`/_design%2[Ff]`)

// unescaped sends a client that reads "_design%2Fname" on to "_design/name", as
// CouchDB does, and leaves the rest of its path and query as it was sent; other
// documents go to h.
func unescaped(h onDocument) onDocument {
	return func(r request, id couch.DocID) error {
		target := r.RequestURI
		if !strings.HasPrefix(target, "/") { // of a proxy: with scheme and host
			target = r.URL.RequestURI()
		}
		at := escapedDesign.FindStringIndex(target)
		if !id.IsDesign() || at == nil {
			return h(r, id)
		}
		r.Response.Header().Set("Location", r.AbsoluteURL()+target[:at[0]]+"/_design/"+target[at[1]:])
		r.Response.WriteHeader(http.StatusMovedPermanently)
		return nil
	}
}
