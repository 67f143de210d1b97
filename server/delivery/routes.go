package delivery

import (
	"context"
	"io"

	"settle/attachments"
	"settle/server/web"
	"settle/storage/couch"
)

// Database is what a delivery needs of a database; *storage.Database is one, and its
// comments say what the methods promise.
type Database interface {
	Name() string
	Partitioned() bool
	Security(ctx context.Context) ([]byte, error)
	Quota(ctx context.Context) (couch.Quota, error)
	WriteBlob(ctx context.Context, r io.Reader, max int64) (*attachments.Pending, error)
	HasReceipt(ctx context.Context, id couch.DeliveryID) (bool, error)
	Deliver(ctx context.Context, d couch.Delivery) (couch.Delivered, error)
}

// Routes returns the table of this family.
func Routes() []web.Route {
	return []web.Route{
		{Method: "PUT", Path: "/:db/_delivery/:id", Privilege: web.Deliverer, Handler: put},
	}
}
