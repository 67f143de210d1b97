package documents

import (
	"strings"

	"settle/server/web"
	"settle/storage/couch"
)

// Routes is the table of this family. The database of a request must be a
// [Database].
func Routes() []web.Route {
	return []web.Route{
		{Method: "POST", Path: "/:db", Privilege: web.Writer, Handler: handle(request.post)},

		{Method: "POST", Path: "/:db/_bulk_docs", Privilege: web.Writer, Handler: handle(request.bulkDocs)},
		{Method: "POST", Path: "/:db/_bulk_get", Privilege: web.Reader, Handler: handle(request.bulkGet)},
		{Method: "POST", Path: "/:db/_revs_diff", Privilege: web.Reader, Handler: handle(request.revsDiff)},
		{Method: "POST", Path: "/:db/_missing_revs", Privilege: web.Reader, Handler: handle(request.missingRevs)},

		{Method: "DELETE", Path: "/:db/_local/:name", Privilege: web.Reader, Handler: local(request.delete)},
		{Method: "GET", Path: "/:db/_local/:name", Privilege: web.Reader, Handler: local(request.get)},
		{Method: "POST", Path: "/:db/_local/:name", Privilege: web.Reader, Handler: local(request.form)},
		{Method: "PUT", Path: "/:db/_local/:name", Privilege: web.Reader, Handler: local(request.put)},
		{Method: "COPY", Path: "/:db/_local/:name", Privilege: web.Reader, Handler: local(request.copy)},

		{Method: "DELETE", Path: "/:db/_local/:name/*", Privilege: web.Reader, Handler: refuse(errLocalAttachment)},
		{Method: "GET", Path: "/:db/_local/:name/*", Privilege: web.Reader, Handler: refuse(errLocalAttachment)},
		{Method: "POST", Path: "/:db/_local/:name/*", Privilege: web.Reader, Handler: refuse(errLocalAttachment)},
		{Method: "PUT", Path: "/:db/_local/:name/*", Privilege: web.Reader, Handler: refuse(errLocalAttachment)},

		{Method: "DELETE", Path: "/:db/_local", Privilege: web.Reader, Handler: refuse(errLocalID)},
		{Method: "GET", Path: "/:db/_local", Privilege: web.Reader, Handler: refuse(errLocalID)},
		{Method: "POST", Path: "/:db/_local", Privilege: web.Reader, Handler: refuse(errLocalID)},
		{Method: "PUT", Path: "/:db/_local", Privilege: web.Reader, Handler: refuse(errLocalID)},
		{Method: "COPY", Path: "/:db/_local", Privilege: web.Reader, Handler: refuse(errLocalID)},

		{Method: "DELETE", Path: "/:db/_design/:name", Privilege: web.DatabaseAdmin, Handler: design(request.delete)},
		{Method: "GET", Path: "/:db/_design/:name", Privilege: web.Reader, Handler: design(request.get)},
		{Method: "POST", Path: "/:db/_design/:name", Privilege: web.DatabaseAdmin, Handler: design(request.form)},
		{Method: "PUT", Path: "/:db/_design/:name", Privilege: web.DatabaseAdmin, Handler: design(request.put)},
		{Method: "COPY", Path: "/:db/_design/:name", Privilege: web.Writer, Handler: design(request.copy)},

		{Method: "DELETE", Path: "/:db/_design/:name/*", Privilege: web.DatabaseAdmin, Handler: design(ofDesign(request.deleteAttachment))},
		{Method: "GET", Path: "/:db/_design/:name/*", Privilege: web.Reader, Handler: design(ofDesign(request.getAttachment))},
		{Method: "PUT", Path: "/:db/_design/:name/*", Privilege: web.DatabaseAdmin, Handler: design(ofDesign(request.putAttachment))},

		{Method: "DELETE", Path: "/:db/:doc", Privilege: web.Writer, Handler: plain(request.delete)},
		{Method: "GET", Path: "/:db/:doc", Privilege: web.Reader, Handler: plain(unescaped(request.get))},
		{Method: "POST", Path: "/:db/:doc", Privilege: web.Writer, Handler: plain(request.form)},
		{Method: "PUT", Path: "/:db/:doc", Privilege: web.Writer, Handler: plain(request.put)},
		{Method: "COPY", Path: "/:db/:doc", Privilege: web.Writer, Handler: plain(request.copy)},

		{Method: "DELETE", Path: "/:db/:doc/*", Privilege: web.Writer, Handler: plain(request.deleteAttachment)},
		{Method: "GET", Path: "/:db/:doc/*", Privilege: web.Reader, Handler: plain(unescaped(request.getAttachment))},
		{Method: "PUT", Path: "/:db/:doc/*", Privilege: web.Writer, Handler: plain(request.putAttachment)},
	}
}

var (
	errLocalID         = &couch.Error{Kind: couch.BadRequest, Reason: "Invalid _local document id."}
	errLocalAttachment = &couch.Error{Kind: couch.BadRequest, Reason: "_local documents do not accept attachments."}
)

// request is one request to this family.
type request struct {
	*web.Request
	db Database
}

// onDocument is a handler of requests about one document.
type onDocument func(r request, id couch.DocID) error

func handle(h func(request) error) web.Handler {
	return func(r *web.Request) error { return h(request{r, web.DatabaseOf[Database](r)}) }
}

func refuse(err error) web.Handler { return func(*web.Request) error { return err } }

func plain(h onDocument) web.Handler {
	return handle(func(r request) error {
		id := r.DocID("doc")
		if id == couch.LocalPrefix {
			return errLocalID
		}
		if err := r.checkPartition(id); err != nil {
			return err
		}
		return h(r, id)
	})
}

// checkPartition refuses an id that no document of the database can have.
func (r request) checkPartition(id couch.DocID) error {
	if !r.db.Partitioned() {
		return nil
	}
	return id.CheckPartition()
}

func local(h onDocument) web.Handler {
	return handle(func(r request) error { return h(r, couch.LocalPrefix+r.DocID("name")) })
}

func design(h onDocument) web.Handler {
	return handle(func(r request) error { return h(r, couch.DesignPrefix+r.DocID("name")) })
}

// ofDesign is a handler of a design document's attachments. As in CouchDB, where such a
// path may be one of the functions, a name that begins with an underscore is not looked at
// where there is no document.
func ofDesign(h onDocument) onDocument {
	return func(r request, id couch.DocID) error {
		if strings.HasPrefix(r.Param("*"), "_") {
			if _, err := r.db.Get(r.Context(), id, couch.GetOptions{}); err != nil {
				return err
			}
		}
		return h(r, id)
	}
}
