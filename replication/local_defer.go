package replication

import (
	"context"
	"errors"

	"settle/attachments"
	"settle/storage/couch"
)

// Defer leaves contents at their origin. See [Deferrer].
func (l *Local) Defer(ctx context.Context, id couch.OriginID, text []byte) error {
	row, err := l.db.PutOrigin(ctx, id, text)
	if err != nil {
		return l.refused(err)
	}
	l.origin, l.originRow = &id, row
	return nil
}

// leave lets the contents of a revision that do not come stay where they are.
func (w *localWriter) leave(doc *couch.Document) error {
	for i := range doc.Attachments {
		a := &doc.Attachments[i]
		if a.Stub || a.Pending != nil {
			continue
		}
		if w.l.origin == nil {
			return &couch.Error{Kind: couch.Internal, Reason: "an attachment came without its content"}
		}
		if most := w.limits.MaxAttachmentSize; most > 0 && a.Length > most || a.Length > attachments.MaxLength {
			return &refusedError{couch.Errorf(couch.AttachmentTooLarge, "%s", a.Name)}
		}
		d := couch.Deferral{Origin: *w.l.origin, ID: doc.ID, Rev: doc.Rev(), Name: a.Name, Length: a.Length, Digest: a.Digest, Encoded: a.Encoded}
		pending := attachments.NewDeferred(d, w.l.originRow)
		a.Blob, a.Pending = pending.BlobID(), pending
	}
	return nil
}

// Attachment opens a content. See [Origin].
func (l *Local) Attachment(ctx context.Context, d couch.Deferral) (couch.Incoming, error) {
	db, err := l.o.Find(ctx)
	if err != nil {
		return couch.Incoming{}, originError(err)
	}
	for _, o := range []couch.GetOptions{{Rev: d.Rev}, {}} {
		doc, err := db.Get(ctx, d.ID, o)
		if err != nil && !isMissing(err) {
			return couch.Incoming{}, originError(err)
		}
		if doc == nil {
			continue
		}
		for _, a := range doc.Attachments {
			if a.Name == d.Name && a.Digest == d.Digest && a.Length == d.Length {
				content, err := db.ReadBlob(ctx, a, 0, -1)
				return couch.Incoming{Body: content, Digest: d.Digest, Checked: d.Encoded}, originError(err)
			}
		}
	}
	return couch.Incoming{}, &couch.Error{Kind: couch.Gone}
}

func isMissing(err error) bool {
	return errors.Is(err, couch.ErrNotFound) || errors.Is(err, couch.ErrDeleted)
}

// originError says of an error whether another try may succeed.
func originError(err error) error {
	switch {
	case err == nil:
		return nil
	case isMissing(err), errors.Is(err, couch.ErrDatabaseMissing), errors.Is(err, &couch.Error{Kind: couch.Gone}):
		return &couch.Error{Kind: couch.Gone}
	}
	return &couch.Error{Kind: couch.Away, Err: err}
}
