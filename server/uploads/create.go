package uploads

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"settle/storage/couch"
)

// maxMetadata bounds what an upload keeps of Upload-Metadata, in bytes.
const maxMetadata = 4 << 10

// create answers POST /{db}/_uploads.
func (r request) create() error {
	length, err := r.number("Upload-Length")
	if err != nil {
		return err
	}
	if max := r.Limits().MaxAttachmentSize; max > 0 && length > max {
		return couch.Errorf(couch.AttachmentTooLarge, "The upload is larger than %d bytes.", max)
	}
	metadata := r.Header.Get("Upload-Metadata")
	if len(metadata) > maxMetadata {
		return couch.Errorf(couch.BadRequest, "Upload-Metadata is longer than %d bytes", maxMetadata)
	}
	u, err := r.db.CreateUpload(r.Context(), couch.Upload{
		Owner: r.Session.User.Name, Length: length, Metadata: metadata, Expires: r.expires(),
	})
	if err != nil {
		return err
	}
	r.SetLocation(r.db.Name(), "_uploads", u.ID.String())
	if r.MediaType() == contentType {
		// What cannot be taken now is for a PATCH: the upload is there.
		if u, err = r.append(r.Context(), u); err != nil && (u.Offset == 0 || errors.Is(err, errTooLong)) {
			// Nobody will know of it. Where it stays all the same it expires.
			_ = r.db.RemoveUpload(context.WithoutCancel(r.Context()), u.ID, u.Owner)
			r.Response.Header().Del("Location")
			return err
		}
	}
	r.show(u)
	r.Response.WriteHeader(http.StatusCreated)
	return nil
}

// expires is when an upload expires to which nothing is added from now on.
func (r request) expires() time.Time { return time.Now().Add(r.uploads.expiry()).Truncate(time.Second) }

// number returns a header that has to be a number from 0 on.
func (r request) number(name string) (int64, error) {
	n, err := strconv.ParseUint(r.Header.Get(name), 10, 63) // without a sign
	if err != nil {
		return 0, couch.Errorf(couch.BadRequest, "%s must be a number of bytes", name)
	}
	return int64(n), nil
}
