package access

import (
	"context"
	"errors"
	"iter"

	"settle/storage/couch"
)

// Writer writes a batch; BulkDocs and PutRevs of a database are ones.
type Writer func(context.Context, iter.Seq2[*couch.Document, error]) ([]couch.WriteResult, error)

// Either returns a Writer for batches whose kind is known once they have ended; bulk
// is the method Bulk of a database.
func Either(bulk func(context.Context, iter.Seq2[*couch.Document, error], func() (bool, error)) ([]couch.WriteResult, error), isReplicated func() (bool, error)) Writer {
	return func(ctx context.Context, docs iter.Seq2[*couch.Document, error]) ([]couch.WriteResult, error) {
		return bulk(ctx, docs, isReplicated)
	}
}

// Preparer returns the document to write for one of a batch, or refuses it by an
// error for which IsRefusal holds.
type Preparer func(context.Context, *couch.Document) (*couch.Document, error)

// Write passes each document of a batch on to write as it comes, prepared, unless it
// is refused. The results are in the order of the batch. An error means that nothing
// was written; it is that of docs, of write, or one of prepare that is no refusal.
// Like [storage.Database.BulkDocs], Write owns the pending contents of all
// documents it has taken.
func Write(ctx context.Context, docs iter.Seq2[*couch.Document, error], write Writer, prepare Preparer) ([]couch.WriteResult, error) {
	b := batch{prepare: prepare}
	written, err := write(ctx, b.accepted(ctx, docs))
	if err != nil {
		return nil, err
	}
	return b.joined(written), nil
}

// batch is a batch on its way to the store.
type batch struct {
	prepare Preparer
	n       int // documents so far
	refused []refusal
}

// refusal is the result of a document that the store does not get.
type refusal struct {
	place  int
	result couch.WriteResult
}

// accepted yields the documents that are not refused.
func (b *batch) accepted(ctx context.Context, docs iter.Seq2[*couch.Document, error]) iter.Seq2[*couch.Document, error] {
	return func(yield func(*couch.Document, error) bool) {
		for doc, err := range docs {
			if err == nil {
				var prepared *couch.Document
				if prepared, err = b.prepare(ctx, doc); err != nil {
					doc.DiscardPending()
				}
				if IsRefusal(err) {
					b.refused = append(b.refused, refusal{b.n, couch.WriteResult{ID: doc.ID, Rev: doc.Rev(), Err: err}})
					b.n++
					continue
				}
				doc = prepared
				b.n++
			}
			if !yield(doc, err) || err != nil {
				return
			}
		}
	}
}

// joined returns the results of the whole batch.
func (b *batch) joined(written []couch.WriteResult) []couch.WriteResult {
	if len(b.refused) == 0 {
		return written
	}
	all := make([]couch.WriteResult, 0, b.n)
	for _, r := range b.refused {
		n := r.place - len(all)
		all = append(append(all, written[:n]...), r.result)
		written = written[n:]
	}
	return append(all, written...)
}

// IsRefusal reports whether an error is about one document of a batch: of kind
// NotFound, Forbidden, Unauthorized or Conflict.
func IsRefusal(err error) bool {
	for _, kind := range []couch.Kind{couch.NotFound, couch.Forbidden, couch.Unauthorized, couch.Conflict} {
		if errors.Is(err, &couch.Error{Kind: kind}) {
			return true
		}
	}
	return false
}
