package remote

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"

	"settle/replication"
	"settle/storage/couch"
)

var _ replication.Origin = (*Remote)(nil)

// Attachment opens a content: that of the revision that had it first, or, where that is
// gone, the one that the document has now under the name, if it is the same. See
// [replication.Origin].
func (r *Remote) Attachment(ctx context.Context, d couch.Deferral) (couch.Incoming, error) {
	for _, rev := range []couch.RevID{d.Rev, {}} {
		res, err := r.asStored(ctx, rev, d)
		if err == nil && rev.IsZero() && !isOf(res, d.Digest) {
			res.Body.Close()
			continue
		}
		if err == nil {
			return incoming(res, d)
		}
		status, ok := errors.AsType[*statusError](err)
		if !ok || status.status != http.StatusNotFound && status.status != http.StatusGone || isNobody(err) {
			return couch.Incoming{}, &couch.Error{Kind: couch.Away, Err: r.refused(err)}
		}
		if status.status == http.StatusGone && len(couch.ViaOf(ctx)) > 1 {
			break // each server of a chain would ask the next one twice
		}
	}
	return couch.Incoming{}, &couch.Error{Kind: couch.Gone}
}

// incoming says what an answer must be. One that is not packed as the digest would have
// it must come with a digest of its own.
func incoming(res *http.Response, d couch.Deferral) (couch.Incoming, error) {
	in := couch.Incoming{Body: res.Body, Gzip: res.Header.Get("Content-Encoding") == "gzip", Digest: d.Digest}
	if in.Gzip == d.Encoded {
		return in, nil
	}
	sum, err := couch.ParseDigest("md5-" + res.Header.Get("Content-MD5"))
	if err != nil || in.Gzip {
		res.Body.Close()
		return couch.Incoming{}, &couch.Error{Kind: couch.Away, Reason: "The content came in a form in which it cannot be checked."}
	}
	in.Digest = sum
	return in, nil
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
