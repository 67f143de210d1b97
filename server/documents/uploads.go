package documents

import (
	"errors"

	"settle/storage/couch"
	"settle/storage/docjson"
)

// takeUploads makes the uploads that a document's attachments name their contents.
// taken are those that the request has named, none of which may be named again. An
// upload that is not there, not the user's, not complete, or of another length than the
// attachment says is a BadRequest, one of another digest a DigestMismatch.
func (r request) takeUploads(doc *docjson.Parsed, taken map[string]bool) error {
	for i := range doc.Attachments {
		a := &doc.Attachments[i]
		if a.Upload == "" {
			continue
		}
		id, ok := couch.ParseBlobID(a.Upload)
		if !ok || taken[a.Upload] {
			return couch.Errorf(couch.BadRequest, "Invalid attachment upload for %s", a.Name)
		}
		taken[a.Upload] = true
		pending, err := r.db.TakeUpload(r.Context(), id, r.Session.User.Name)
		if errors.Is(err, couch.ErrNotFound) {
			return couch.Errorf(couch.BadRequest, "The upload for attachment %s does not exist", a.Name)
		}
		if err != nil {
			return err
		}
		if a.HasLength && a.Length != pending.Length() {
			pending.Discard()
			return couch.Errorf(couch.BadRequest, "Attachment %s has another length than it says", a.Name)
		}
		if a.HasDigest && a.Digest != pending.Digest() {
			pending.Discard()
			return &couch.Error{Kind: couch.DigestMismatch}
		}
		a.Blob, a.Pending, a.Digest, a.Length = pending.BlobID(), pending, pending.Digest(), pending.Length()
	}
	return nil
}
