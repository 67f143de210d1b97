package documents

import (
	"net/http"
	"strings"

	"settle/server/web"
	"settle/storage/couch"
)

// unescaped sends a client that reads "_design%2Fname" on to "_design/name", as
// CouchDB does; other documents go to h.
func unescaped(h onDocument) onDocument {
	return func(r request, id couch.DocID) error {
		if !id.IsDesign() {
			return h(r, id)
		}
		name := strings.TrimPrefix(string(id), couch.DesignPrefix)
		r.SetLocation(r.db.Name(), "_design", name)
		header := r.Response.Header()
		location := header.Get("Location")
		for segment := range strings.SplitSeq(r.Param("*"), "/") {
			if segment != "" {
				location += "/" + web.EscapeSegment(segment)
			}
		}
		if r.URL.RawQuery != "" {
			location += "?" + r.URL.RawQuery
		}
		header.Set("Location", location)
		r.Response.WriteHeader(http.StatusMovedPermanently)
		return nil
	}
}
