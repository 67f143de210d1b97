package metadata

import (
	"context"
	"net/http"

	"settle/server/web"
	"settle/storage/metaview"
)

// Database is what these endpoints need of a database; [metaview.Database] is one,
// and its comments say what the methods promise.
type Database interface {
	MetadataOptions(ctx context.Context) (metaview.Options, error)
	SetMetadataOptions(ctx context.Context, o metaview.Options) error
}

// Routes returns the table of this family. The databases of requests must be a
// [Database].
func Routes() []web.Route {
	return []web.Route{
		{Method: "PUT", Path: "/:db/_metadata_options", Privilege: web.DatabaseAdmin, Handler: putOptions},
		{Method: "GET", Path: "/:db/_metadata_options", Privilege: web.Reader, Handler: getOptions},
	}
}

// maxOptions bounds the body that sets the options, in bytes.
const maxOptions = 4 << 10

func getOptions(r *web.Request) error {
	o, err := web.DatabaseOf[Database](r).MetadataOptions(r.Context())
	if err != nil {
		return err
	}
	return r.WriteRawJSON(http.StatusOK, o.AppendJSON(nil))
}

func putOptions(r *web.Request) error {
	body, err := r.ReadBody(maxOptions)
	if err != nil {
		return err
	}
	o, err := metaview.ParseOptions(body)
	if err != nil {
		return err
	}
	if err := web.DatabaseOf[Database](r).SetMetadataOptions(r.Context(), o); err != nil {
		return err
	}
	return r.WriteOK(http.StatusOK)
}
