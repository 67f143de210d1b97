package replicator

import (
	"net/http"

	"settle/server/web"
	"settle/storage/couch"
)

// Routes returns the table of this family.
func (r *Replicator) Routes() []web.Route {
	return []web.Route{
		{Method: "POST", Path: "/_replicate", Privilege: web.User, Handler: r.replicate},
		{Method: "GET", Path: "/_replicate", Privilege: web.Public, Handler: noBody},
		{Method: "GET", Path: "/_scheduler/jobs", Privilege: web.ServerAdmin, Handler: r.listJobs},
		{Method: "GET", Path: "/_scheduler/jobs/:id", Privilege: web.ServerAdmin, Handler: r.showJob},
		{Method: "GET", Path: "/_scheduler/docs", Privilege: web.ServerAdmin, Handler: r.listDocs},
		{Method: "GET", Path: "/_scheduler/docs/:name", Privilege: web.ServerAdmin, Handler: r.listDocs},
		{Method: "GET", Path: "/_scheduler/docs/:name/*", Privilege: web.ServerAdmin, Handler: r.showDoc},
		{Method: "GET", Path: "/_scheduler", Privilege: web.ServerAdmin, Handler: nothing},
		{Method: "GET", Path: "/_scheduler/:other", Privilege: web.ServerAdmin, Handler: nothing},
	}
}

// noBody answers a GET as CouchDB does.
func noBody(*web.Request) error { return couch.Errorf(couch.BadRequest, "Missing request body") }

// nothing answers what CouchDB does to a path below _scheduler where there is nothing.
func nothing(q *web.Request) error {
	return q.WriteJSON(http.StatusNotFound, struct {
		Error string `json:"error"`
	}{"not found"})
}
