package uploads

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"settle/server/web"
	"settle/storage/couch"
)

// contentType is that of the parts.
const contentType = "application/offset+octet-stream"

// id returns the upload that the path names.
func (r request) id() (couch.BlobID, error) {
	id, ok := couch.ParseBlobID(r.Param("upload"))
	if !ok {
		return id, couch.ErrNotFound
	}
	return id, nil
}

// take finds the upload, and ends what is being appended to it: who asks again has
// lost the connection on which that came. interrupt is what ends this one, nil for one
// that does not wait for its client. Call release at the end.
func (r request) take(interrupt func()) (u couch.Upload, release func(), err error) {
	id, err := r.id()
	if err != nil {
		return u, nil, err
	}
	owner := r.Session.User.Name
	if _, err := r.db.Upload(r.Context(), id, owner); err != nil {
		return u, nil, err
	}
	release, err = r.uploads.running.begin(r.Context(), id, interrupt)
	if err != nil {
		return u, nil, err
	}
	if u, err = r.db.Upload(r.Context(), id, owner); err != nil {
		release()
		return u, nil, err
	}
	return u, release, nil
}

// head answers HEAD /{db}/_uploads/{upload}.
func (r request) head() error {
	u, release, err := r.take(nil)
	if err != nil {
		return err
	}
	defer release()
	r.show(u)
	head := r.Response.Header()
	head.Set("Upload-Length", strconv.FormatInt(u.Length, 10))
	if u.Metadata != "" {
		head.Set("Upload-Metadata", u.Metadata)
	}
	r.Response.WriteHeader(http.StatusOK)
	return nil
}

// patch answers PATCH /{db}/_uploads/{upload}.
func (r request) patch() error {
	if r.MediaType() != contentType {
		return couch.Errorf(couch.BadContentType, "Content-Type must be %s", contentType)
	}
	offset, err := r.number("Upload-Offset")
	if err != nil {
		return err
	}
	u, err := r.extend(offset)
	if err != nil {
		return err
	}
	r.show(u)
	r.Response.WriteHeader(http.StatusNoContent)
	return nil
}

// extend appends the body to the upload, which has to end at offset.
func (r request) extend(offset int64) (couch.Upload, error) {
	var cut atomic.Bool
	defer func() {
		if cut.Load() && r.ProtoMajor == 1 { // net/http has given up the connection's context
			r.Response.Header().Set("Connection", "close")
		}
	}()
	u, release, err := r.take(r.cutting(&cut))
	if err != nil {
		return u, err
	}
	defer release()
	if u.Offset != offset {
		return u, couch.Errorf(couch.Conflict, "The upload has %d bytes.", u.Offset)
	}
	// An interrupt ends the request's context too, but what has come by then is there.
	return r.append(context.WithoutCancel(r.Context()), u)
}

// cutting returns what ends the reading of the body, and sets cut; nil where there is no
// body.
func (r request) cutting(cut *atomic.Bool) func() {
	if r.ContentLength == 0 {
		return nil
	}
	return func() {
		cut.Store(true)
		// A read that waits ends; where it cannot be ended it does so by itself.
		_ = http.NewResponseController(r.Response).SetReadDeadline(time.Now())
	}
}

var errTooLong = &couch.Error{Kind: couch.RequestTooLarge, Reason: "The body is longer than what is left of the upload."}

// append appends the body. Where one of unknown length turns out to be too long the
// upload is complete all the same.
func (r request) append(ctx context.Context, u couch.Upload) (couch.Upload, error) {
	if r.ContentLength > u.Length-u.Offset {
		return u, errTooLong
	}
	body, err := r.RawBody()
	if err != nil {
		return u, err
	}
	u.Expires = r.expires()
	if u, err = r.db.AppendUpload(ctx, u, body); err == nil && r.ContentLength < 0 {
		if n, _ := io.ReadFull(body, make([]byte, 1)); n > 0 {
			err = errTooLong
		}
	}
	return u, err
}

// remove answers DELETE /{db}/_uploads/{upload}.
func (r request) remove() error {
	u, release, err := r.take(nil)
	if err != nil {
		return err
	}
	defer release()
	if err := r.db.RemoveUpload(r.Context(), u.ID, u.Owner); err != nil {
		return err
	}
	r.Response.WriteHeader(http.StatusNoContent)
	return nil
}

var errLocked = &web.Error{Status: http.StatusLocked, Name: "locked", Reason: "Another request is adding to the upload."}
