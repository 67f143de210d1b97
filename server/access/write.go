package access

import (
	"context"
	"errors"
	"iter"

	"settle/storage/couch"
)

// Writer writes a batch; BulkDocs and PutRevs of a database are ones.
type Writer func(context.Context, iter.Seq2[*couch.Document, error]) ([]couch.WriteResult, error)

// Preparer returns the document to write for one of a batch, or refuses it by an
// error of kind NotFound, Forbidden, Unauthorized or Conflict.
type Preparer func(context.Context, *couch.Document) (*couch.Document, error)

// Write prepares each document of a batch, and writes those that are not refused.
// The results are in the order of the batch. An error means that nothing was
// written; it is that of docs, of write, or one of prepare that is no refusal.
// Like [storage.Database.BulkDocs], Write owns the pending contents of all
// documents it has taken.
func Write(ctx context.Context, docs iter.Seq2[*couch.Document, error], write Writer, prepare Preparer) ([]couch.WriteResult, error) {
	var results []couch.WriteResult
	var accepted []*couch.Document
	var places []int // of the accepted in results
	discard := func() {
		for _, doc := range accepted {
			discardPending(doc)
		}
	}
	for doc, err := range docs {
		if err != nil {
			discard()
			return nil, err
		}
		prepared, err := prepare(ctx, doc)
		if err != nil && !isRefusal(err) {
			discardPending(doc)
			discard()
			return nil, err
		}
		results = append(results, couch.WriteResult{ID: doc.ID, Rev: doc.Rev(), Err: err})
		if err != nil {
			discardPending(doc)
			continue
		}
		accepted = append(accepted, prepared)
		places = append(places, len(results)-1)
	}
	written, err := write(ctx, all(accepted))
	if err != nil {
		return nil, err
	}
	for i, result := range written {
		results[places[i]] = result
	}
	return results, nil
}

// isRefusal reports whether an error is about one document of a batch.
func isRefusal(err error) bool {
	for _, kind := range []couch.Kind{couch.NotFound, couch.Forbidden, couch.Unauthorized, couch.Conflict} {
		if errors.Is(err, &couch.Error{Kind: kind}) {
			return true
		}
	}
	return false
}

func discardPending(doc *couch.Document) {
	for _, a := range doc.Attachments {
		if a.Pending != nil {
			a.Pending.Discard()
		}
	}
}

// all is a batch of documents.
func all(docs []*couch.Document) iter.Seq2[*couch.Document, error] {
	return func(yield func(*couch.Document, error) bool) {
		for _, doc := range docs {
			if !yield(doc, nil) {
				return
			}
		}
	}
}
