package metaview

import (
	"context"
	"errors"
	"iter"

	"settle/storage/couch"
)

// writer writes a batch; BulkDocs and PutRevs of a database are ones.
type writer func(context.Context, iter.Seq2[*couch.Document, error]) ([]couch.WriteResult, error)

// BulkDocs makes interactive edits. See [storage.Database.BulkDocs]. In the metadata
// view they get the revision ids that they get in the ordinary view.
//
// A document that is refused alone is a Forbidden, which a replicating client takes
// for what it is, while of other errors PouchDB believes that they pass, and sends the
// batch again: in the ordinary view one in metadata form, in the metadata view one
// that lists a content which its document does not hold; behind the latter is a
// MissingStub. A list that is malformed is a BadRequest, with which nothing is written.
func (db *Database) BulkDocs(ctx context.Context, docs iter.Seq2[*couch.Document, error]) ([]couch.WriteResult, error) {
	return db.write(ctx, docs, db.Database.BulkDocs, 0)
}

// PutRevs stores revisions that another server has. See [storage.Database.PutRevs].
// What is refused is what BulkDocs refuses.
func (db *Database) PutRevs(ctx context.Context, docs iter.Seq2[*couch.Document, error]) ([]couch.WriteResult, error) {
	return db.write(ctx, docs, db.Database.PutRevs, 1)
}

// write passes a batch on in the ordinary form. The ancestors of a document begin at
// own in its path.
func (db *Database) write(ctx context.Context, docs iter.Seq2[*couch.Document, error], write writer, own int) ([]couch.WriteResult, error) {
	b := batch{db: db, own: own}
	written, err := write(ctx, b.passed(ctx, docs))
	if err != nil {
		return nil, err
	}
	return b.joined(written), nil
}

// batch is a batch of documents on its way to the store.
type batch struct {
	db      *Database
	own     int
	n       int // documents so far
	refused []refusal
}

// refusal is the result of a document that the store does not get.
type refusal struct {
	place  int
	result couch.WriteResult
}

// passed yields the documents that are not refused, in ordinary form. With an error
// comes the document whose contents the receiver owns.
func (b *batch) passed(ctx context.Context, docs iter.Seq2[*couch.Document, error]) iter.Seq2[*couch.Document, error] {
	return func(yield func(*couch.Document, error) bool) {
		for doc, err := range docs {
			if err == nil && doc != nil {
				var refused error
				if doc, refused, err = b.prepare(ctx, doc); refused != nil {
					b.refuse(doc, refused)
					continue
				}
				b.n++
			}
			if !yield(doc, err) || err != nil {
				return
			}
		}
	}
}

func (b *batch) refuse(doc *couch.Document, err error) {
	for i := range doc.Attachments {
		if p := doc.Attachments[i].Pending; p != nil {
			p.Discard()
		}
	}
	b.refused = append(b.refused, refusal{b.n, couch.WriteResult{ID: doc.ID, Rev: doc.Rev(), Err: err}})
	b.n++
}

// joined returns the results of the whole batch.
func (b *batch) joined(written []couch.WriteResult) []couch.WriteResult {
	all := written
	if len(b.refused) > 0 {
		all = make([]couch.WriteResult, 0, b.n)
		for _, r := range b.refused {
			n := r.place - len(all)
			all = append(append(all, written[:n]...), r.result)
			written = written[n:]
		}
		all = append(all, written...)
	}
	return all
}

var errMetadataForm = &couch.Error{
	Kind:   couch.Forbidden,
	Reason: "The document is of a metadata replica: its " + Member + " stands for attachments, which would be lost. Replicate it with /_metadata.",
}

// prepare returns the document to write for one that a client writes. Errors are of
// the whole batch; refused is of the document alone.
func (b *batch) prepare(ctx context.Context, d *couch.Document) (_ *couch.Document, refused, err error) {
	if !b.db.metadata {
		if isMetadataForm(d.Body.Text) {
			refused = errMetadataForm
		}
		return d, refused, nil
	}
	out, found, err := ordinary(d)
	if found == noMember || found == list {
		return out, nil, err
	}
	held, heldErr := b.held(ctx, d)
	switch {
	case heldErr != nil:
		return d, nil, heldErr
	case held == nil, found == malformed && !hasForeign(held.Body.Text):
		return d, nil, err
	}
	return withHeld(d, held), nil, nil
}

// withHeld returns a document whose member is an ordinary one, with the attachments of
// the revision that it comes from.
func withHeld(d, held *couch.Document) *couch.Document {
	stubs := make([]couch.Attachment, 0, len(held.Attachments))
	for _, a := range held.Attachments {
		a.Stub, a.ByDigest, a.Blob = true, true, couch.BlobID{}
		stubs = append(stubs, a)
	}
	out := *d
	out.Attachments = joined(d.Attachments, stubs)
	return &out
}

// held reads the revision that a document comes from: the nearest ancestor that is
// stored, or where none of those that are known is, the winner; nil for a new document.
func (b *batch) held(ctx context.Context, d *couch.Document) (*couch.Document, error) {
	ask := couch.RevsAsk{ID: d.ID}
	for i := b.own; i < len(d.Revisions.Hashes); i++ {
		ask.Revs = append(ask.Revs, d.Revisions.Rev(i))
	}
	diffs, err := b.db.Database.RevsDiff(ctx, []couch.RevsAsk{ask})
	if err != nil {
		return nil, err
	}
	unknown := map[couch.RevID]bool{}
	for _, diff := range diffs {
		for _, rev := range diff.Missing {
			unknown[rev] = true
		}
	}
	if len(unknown) == len(ask.Revs) {
		return nil, nil
	}
	for _, rev := range ask.Revs {
		if unknown[rev] {
			continue
		}
		doc, err := b.db.Database.Get(ctx, d.ID, couch.GetOptions{Rev: rev})
		if !errors.Is(err, couch.ErrNotFound) {
			return doc, err
		}
	}
	doc, err := b.db.Database.Get(ctx, d.ID, couch.GetOptions{Deleted: true})
	if errors.Is(err, couch.ErrNotFound) { // since the ancestors were looked up
		return nil, nil
	}
	return doc, err
}
