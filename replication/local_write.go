package replication

import (
	"compress/gzip"
	"context"
	"crypto/md5"
	"errors"
	"hash"
	"io"
	"iter"
	"slices"

	"settle/storage/couch"
)

// portion is how many bytes of revisions are written at once: few enough to be kept in
// memory until they are, by a store that keeps what comes as one batch.
const portion = 1 << 20

// Write stores revisions as they come, in portions. See [Target].
func (l *Local) Write(ctx context.Context, revs iter.Seq2[*Revision, error]) ([]couch.WriteResult, error) {
	w := &localWriter{l: l, limits: l.o.Limits()}
	next, stop := iter.Pull2(w.documents(ctx, revs))
	defer stop()
	var results []couch.WriteResult
	for more := true; more; {
		written, err := l.db.PutRevs(ctx, func(yield func(*couch.Document, error) bool) {
			for size := 0; size < portion; {
				doc, err, ok := next()
				if more = ok; !ok || !yield(doc, err) || err != nil {
					return
				}
				size += weight(doc)
			}
		})
		if err != nil {
			return nil, l.full(err)
		}
		for _, r := range written {
			if isTrouble(r.Err) {
				return nil, l.full(r.Err)
			}
		}
		results = append(results, written...)
	}
	return append(results, w.refused...), nil
}

// weight is about what a document takes in memory.
func weight(d *couch.Document) int {
	const each, smallContent = 1 << 10, 32 << 10
	return each + len(d.Body.Text) + len(d.Attachments)*smallContent
}

// isTrouble reports whether a row tells of trouble of the store, not of a document.
func isTrouble(err error) bool {
	known, ok := errors.AsType[*couch.Error](err)
	return ok && slices.Contains([]couch.Kind{couch.Internal, couch.NoSpace, couch.Unavailable, couch.Corrupt, couch.DatabaseMissing}, known.Kind)
}

// localWriter brings contents into the database in front of their documents.
type localWriter struct {
	l       *Local
	limits  couch.Limits
	refused []couch.WriteResult
}

func (w *localWriter) documents(ctx context.Context, revs iter.Seq2[*Revision, error]) iter.Seq2[*couch.Document, error] {
	return func(yield func(*couch.Document, error) bool) {
		for rev, err := range revs {
			var doc *couch.Document
			if err == nil {
				doc, err = w.receive(ctx, rev)
			}
			var refusal *refusedError
			if errors.As(err, &refusal) {
				w.refused = append(w.refused, couch.WriteResult{ID: rev.Doc.ID, Rev: rev.Doc.Rev(), Err: refusal.err})
				continue
			}
			if !yield(doc, err) || err != nil {
				return
			}
		}
	}
}

// refusedError is a refusal of one document.
type refusedError struct{ err error }

func (e *refusedError) Error() string { return e.err.Error() }

func (w *localWriter) receive(ctx context.Context, rev *Revision) (*couch.Document, error) {
	doc := rev.Doc
	if most := w.limits.MaxDocumentSize; most > 0 && int64(len(doc.Body.Text)) > most {
		return nil, &refusedError{&couch.Error{Kind: couch.DocumentTooLarge, Reason: string(doc.ID)}}
	}
	if len(doc.Attachments) == 0 {
		return doc, nil
	}
	received := *doc
	received.Attachments = slices.Clone(doc.Attachments)
	for _, c := range rev.Contents {
		received.Attachments[c.Index].Encoded = false
		if err := w.store(ctx, &received.Attachments[c.Index], c); err != nil {
			received.DiscardPending()
			if errors.Is(err, &couch.Error{Kind: couch.AttachmentTooLarge}) {
				err = &refusedError{err}
			}
			return nil, err
		}
	}
	if err := w.leave(&received); err != nil {
		received.DiscardPending()
		return nil, err
	}
	return &received, nil
}

// store puts the content of one attachment into the blob store.
func (w *localWriter) store(ctx context.Context, a *couch.Attachment, c Content) error {
	body, err := c.Open()
	if err != nil {
		return err
	}
	defer body.Close()
	wire := NewVerifier(body, c)
	var content io.Reader = wire
	if c.Encoding == "gzip" {
		if content, err = gzip.NewReader(wire); err != nil {
			return &couch.Error{Kind: couch.Internal, Reason: "an attachment came damaged", Err: err}
		}
	}
	pending, err := w.l.db.WriteBlob(ctx, content, w.limits.MaxAttachmentSize)
	if err != nil {
		return err
	}
	if err := wire.End(); err != nil {
		pending.Discard()
		return err
	}
	a.Blob, a.Pending, a.Digest, a.Length, a.Stub = pending.BlobID(), pending, pending.Digest(), pending.Length(), false
	return nil
}

// errDamaged says that a content is not what its digest or length promised. The peer
// is asked again.
var errDamaged = &couch.Error{Kind: couch.Internal, Reason: "an attachment came damaged"}

// Verifier reads a content, and says at its end whether it is the promised one.
type Verifier struct {
	r   io.Reader
	c   Content
	sum hash.Hash
	n   int64
}

// NewVerifier returns a reader of what a content gave.
func NewVerifier(r io.Reader, c Content) *Verifier { return &Verifier{r: r, c: c, sum: md5.New()} }

// Read reads on.
func (c *Verifier) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.sum.Write(p[:n])
	c.n += int64(n)
	if err == io.EOF && c.bad() {
		err = errDamaged
	}
	return n, err
}

func (c *Verifier) bad() bool {
	return c.n != c.c.Length || c.c.Digest != (couch.Digest{}) && c.c.Digest != couch.Digest(c.sum.Sum(nil))
}

// End reads what is left, and judges the whole.
func (c *Verifier) End() error {
	if _, err := io.Copy(io.Discard, c); err != nil {
		return err
	}
	if c.bad() {
		return errDamaged
	}
	return nil
}
