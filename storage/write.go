package storage

import (
	"context"
	"errors"
	"iter"

	"settle/storage/couch"
	"settle/storage/kv"
	"settle/storage/schema"
)

// Docs makes a batch of documents at hand.
func Docs(docs ...*couch.Document) iter.Seq2[*couch.Document, error] {
	return func(yield func(*couch.Document, error) bool) {
		for _, d := range docs {
			if !yield(d, nil) {
				return
			}
		}
	}
}

// apply merges one edit into its document. It returns the revision, and as a
// refusal what concerns this edit alone; err ends the whole batch.
type apply func(ctx context.Context, w *writer, s *docState, d *couch.Document) (rev couch.RevID, refusal, err error)

// writeBatch takes the documents of a batch and applies them in the order of
// their ids, those of one id in the order of the batch. The results are in the
// order of the batch. An error means that nothing was written, save for
// NoSpace, Unavailable and the context's error, which may end a batch of many
// transactions between two of them.
func (db *Database) writeBatch(ctx context.Context, docs iter.Seq2[*couch.Document, error], do apply) ([]couch.WriteResult, error) {
	b := newBatch(db, do)
	defer b.end(ctx)
	if err := b.collect(ctx, docs); err != nil {
		return nil, err
	}
	if b.docs.Many() {
		if err := b.rehearse(ctx); err != nil {
			return nil, err
		}
	}
	for chunk, err := range b.chunks(ctx) {
		if err == nil {
			err = b.commit(ctx, chunk)
		}
		if err != nil {
			return nil, err
		}
	}
	return b.results, nil
}

// commit applies a chunk in one transaction.
func (b *batch) commit(ctx context.Context, chunk []*edit) error {
	var w *writer
	err := b.db.update(ctx, func(tx kv.Tx, m *schema.Meta) error {
		w = newWriter(b.db, tx, m)
		return w.run(ctx, b, chunk)
	}, b.options()...)
	if err != nil {
		if errors.Is(err, kv.ErrUnknownOutcome) {
			b.keep(chunk) // they may belong to a document; a sweep finds out
		}
		return err
	}
	b.keep(chunk)
	b.db.removeFiles(w.removed)
	return nil
}

// keep notes the results of a chunk, and tells the contents that were taken that
// they belong to a document now.
func (b *batch) keep(chunk []*edit) {
	for _, e := range chunk {
		b.results[e.place] = e.result
		for _, p := range e.taken {
			p.Committed()
		}
	}
}

// rehearse applies a batch without writing it, so that what refuses a batch as a
// whole does so before any of its transactions. A document whose edits are in
// several chunks goes on from one to the next.
func (b *batch) rehearse(ctx context.Context) error {
	var last *docState
	for chunk, err := range b.chunks(ctx) {
		if err != nil {
			return err
		}
		err = b.db.view(ctx, func(r kv.Reader, m *schema.Meta) error {
			b.looksUp = b.looksUp || isEmpty(m)
			copied := *m
			w := newWriter(b.db, dryTx{r}, &copied)
			w.last = last
			err := w.run(ctx, b, chunk)
			last = w.last
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// dryTx is a transaction whose writes go nowhere.
type dryTx struct{ kv.Reader }

func (dryTx) Set(_, _ []byte)         {}
func (dryTx) Delete([]byte)           {}
func (dryTx) DeleteRange(_, _ []byte) {}
