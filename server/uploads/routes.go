package uploads

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"time"

	"settle/server/web"
	"settle/storage/couch"
)

// Database is what the family needs of a database. The storage package's Database is
// one; its comments say what the methods promise.
type Database interface {
	Name() string
	CreateUpload(ctx context.Context, u couch.Upload) (couch.Upload, error)
	Upload(ctx context.Context, id couch.BlobID, owner string) (couch.Upload, error)
	AppendUpload(ctx context.Context, u couch.Upload, r io.Reader) (couch.Upload, error)
	RemoveUpload(ctx context.Context, id couch.BlobID, owner string) error
}

// Uploads answers requests about uploads.
type Uploads struct {
	expiry  func() time.Duration
	running running
}

// New returns the family; expiry says how long an upload stays to which nothing is
// added.
func New(expiry func() time.Duration) *Uploads { return &Uploads{expiry: expiry} }

// Routes is the table of this family. The database of a request must be a [Database].
func (u *Uploads) Routes() []web.Route {
	const all, one = "/:db/_uploads", "/:db/_uploads/:upload"
	return []web.Route{
		{Method: "OPTIONS", Path: all, Privilege: web.Writer, Handler: u.handle(request.describe), Header: tell},
		{Method: "POST", Path: all, Privilege: web.Writer, Handler: u.handle(resumable(request.create)), Header: tell},
		{Method: "OPTIONS", Path: one, Privilege: web.Writer, Handler: u.handle(request.describe), Header: tell},
		{Method: "HEAD", Path: one, Privilege: web.Writer, Handler: u.handle(resumable(request.head)), Header: tell},
		{Method: "PATCH", Path: one, Privilege: web.Writer, Handler: u.handle(resumable(request.patch)), Header: tell},
		{Method: "DELETE", Path: one, Privilege: web.Writer, Handler: u.handle(resumable(request.remove)), Header: tell},
	}
}

// request is one request to this family.
type request struct {
	*web.Request
	db      Database
	uploads *Uploads
}

func (u *Uploads) handle(h func(request) error) web.Handler {
	return func(r *web.Request) error { return h(request{r, web.DatabaseOf[Database](r), u}) }
}

// version is that of the protocol.
const version = "1.0.0"

var errVersion = &web.Error{Status: http.StatusPreconditionFailed, Name: "precondition_failed", Reason: "Tus-Resumable must be " + version}

// exposed are the headers of answers that a page of another origin may read, where one
// may ask at all.
const exposed = "Location, Tus-Resumable, Tus-Version, Upload-Expires, Upload-Length, Upload-Metadata, Upload-Offset"

// tell tells the version in every answer, as the protocol wants, and lets pages read what
// it tells in headers.
func tell(head http.Header) {
	head.Set("Tus-Resumable", version)
	const name = "Access-Control-Expose-Headers"
	if head.Get(name) != "" {
		head.Add(name, exposed)
	}
}

// resumable checks the version that the client speaks.
func resumable(h func(request) error) func(request) error {
	return func(r request) error {
		if r.Header.Get("Tus-Resumable") != version {
			r.Response.Header().Set("Tus-Version", version)
			return errVersion
		}
		return h(r)
	}
}

// describe answers OPTIONS.
func (r request) describe() error {
	head := r.Response.Header()
	head.Set("Tus-Version", version)
	head.Set("Tus-Extension", "creation,creation-with-upload,expiration,termination")
	if max := r.Limits().MaxAttachmentSize; max > 0 {
		head.Set("Tus-Max-Size", strconv.FormatInt(max, 10))
	}
	r.Response.WriteHeader(http.StatusNoContent)
	return nil
}

// show sets the headers that tell of an upload.
func (r request) show(u couch.Upload) {
	head := r.Response.Header()
	head.Set("Upload-Offset", strconv.FormatInt(u.Offset, 10))
	head.Set("Upload-Expires", u.Expires.UTC().Format(http.TimeFormat))
	head.Set("Cache-Control", "no-store")
}
