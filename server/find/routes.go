package find

import (
	"settle/server/web"
	"settle/storage/couch"
	"settle/storage/docjson"
	"settle/storage/view"
)

// Find is the family of endpoints.
type Find struct {
	indexes *view.Indexes
}

// New returns the family. The databases of requests must be a [Database].
func New(indexes *view.Indexes) *Find { return &Find{indexes} }

// Routes returns the table of this family.
func (f *Find) Routes() []web.Route {
	return []web.Route{
		{Method: "GET", Path: "/:db/_index", Privilege: web.Reader, Handler: list},
		{Method: "POST", Path: "/:db/_index", Privilege: web.Writer, Handler: create},
		{Method: "POST", Path: "/:db/_index/_bulk_delete", Privilege: web.Writer, Handler: bulkDelete},
		{Method: "DELETE", Path: "/:db/_index/:design/:type/:name", Privilege: web.Writer, Handler: remove},
		{Method: "DELETE", Path: "/:db/_index/_design/:design/:type/:name", Privilege: web.Writer, Handler: remove},
		{Method: "POST", Path: "/:db/_explain", Privilege: web.Reader, Handler: f.explain},
		{Method: "POST", Path: "/:db/_find", Privilege: web.Reader, Handler: f.find},
		{Method: "POST", Path: "/:db/_partition/:partition/_explain", Privilege: web.Reader, Handler: inPartition(f.explain)},
		{Method: "POST", Path: "/:db/_partition/:partition/_find", Privilege: web.Reader, Handler: inPartition(f.find)},
	}
}

// readBody returns the body of a request as docjson prints it.
func readBody(r *web.Request) ([]byte, error) {
	if err := r.RequireJSON(); err != nil {
		return nil, err
	}
	stream, err := r.OpenBody()
	if err != nil {
		return nil, err
	}
	reader := docjson.NewReader(stream)
	body, err := reader.Value()
	if err != nil {
		return nil, err
	}
	return body, reader.End()
}

// inPartition refuses a path that names no partition of the database.
func inPartition(next web.Handler) web.Handler {
	return func(r *web.Request) error {
		if !web.DatabaseOf[Database](r).Partitioned() {
			return couch.Errorf(couch.BadRequest, "database is not partitioned")
		}
		if err := couch.ValidatePartition(r.Param("partition")); err != nil {
			return err
		}
		return next(r)
	}
}
