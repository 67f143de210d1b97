package server

import (
	"net/http"

	"settle/storage/couch"
)

// withVia tells what answers a request for the sake of which contents it is made.
func withVia(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if via := couch.ParseVia(r.Header.Get(couch.ViaHeader)); len(via) > 0 {
			r = r.WithContext(couch.WithVia(r.Context(), via))
		}
		next.ServeHTTP(w, r)
	})
}
