package remote

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"strings"

	"settle/replication"
	"settle/storage/couch"
)

var _ replication.Origin = (*Remote)(nil)

// Attachment opens a content: that of the revision that had it first, or, where that is
// gone, the one that the document has now under the name, if it is the same. See
// [replication.Origin].
func (r *Remote) Attachment(ctx context.Context, d couch.Deferral) (content io.ReadCloser, encoded bool, err error) {
	for _, rev := range []couch.RevID{d.Rev, {}} {
		res, err := r.asStored(ctx, rev, d)
		if err == nil && rev.IsZero() && !isOf(res, d.Digest) {
			res.Body.Close()
			continue
		}
		if err == nil {
			return res.Body, res.Header.Get("Content-Encoding") == "gzip", nil
		}
		if status, ok := errors.AsType[*statusError](err); !ok || status.status != http.StatusNotFound || isNobody(err) {
			return nil, false, &couch.Error{Kind: couch.Away, Err: r.refused(err)}
		}
	}
	return nil, false, &couch.Error{Kind: couch.Gone}
}

// asStored asks for a content in the encoding that its digest is of.
func (r *Remote) asStored(ctx context.Context, rev couch.RevID, d couch.Deferral) (*http.Response, error) {
	encoding := "identity"
	if d.Encoded {
		encoding = "gzip"
	}
	return r.attachment(ctx, d.ID, rev, d.Name, encoding)
}

// isOf reports whether an answer says that its content is of a digest.
func isOf(res *http.Response, digest couch.Digest) bool {
	sum := base64.StdEncoding.EncodeToString(digest[:])
	return strings.Trim(res.Header.Get("ETag"), `"`) == sum || res.Header.Get("Content-MD5") == sum
}
