package edits

import (
	"context"
	"errors"
	"iter"

	"settle/storage/couch"
	"settle/storage/kv"
	"settle/storage/schema"
)

// Write takes the documents of a batch and applies them in the order of their ids,
// those of one id in the order of the batch. kind is asked once docs has ended; its
// error is returned. The results are in the order of the batch. An error means that
// nothing was written, save for NoSpace, Unavailable and the context's error, which
// may end a batch of many transactions between two of them.
//
// Write owns the new contents of all documents that it has taken from docs: they are
// stored or discarded when it returns.
func Write(ctx context.Context, o Options, docs iter.Seq2[*couch.Document, error], kind func() (Kind, error)) ([]couch.WriteResult, error) {
	b := newBatch(o)
	defer b.end(ctx)
	if err := b.collect(ctx, docs); err != nil {
		return nil, err
	}
	var err error
	if b.kind, err = kind(); err != nil {
		return nil, err
	}
	if b.o.Validation != nil {
		if b.rules, err = b.o.Validation(ctx, false); err != nil {
			return nil, err
		}
	}
	if err := b.write(ctx); err != nil {
		return nil, err
	}
	return b.results, nil
}

func (b *batch) write(ctx context.Context) error {
	if b.docs.Many() {
		if err := b.rehearse(ctx); err != nil {
			return err
		}
	}
	for chunk, err := range b.chunks(ctx) {
		if err == nil {
			err = b.commit(ctx, chunk)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// commit judges a chunk and applies it, again and again where what it was judged by
// has changed in between. It ends: a change is another batch's success, and what it
// does not touch stays judged.
func (b *batch) commit(ctx context.Context, chunk []*edit) error {
	for {
		err := b.judge(ctx, chunk)
		if err == nil {
			err = b.apply(ctx, chunk)
		}
		switch {
		case errors.Is(err, errStaleRules):
			if b.rules, err = b.o.Validation(ctx, true); err != nil {
				return err
			}
			b.epoch++
		case !errors.Is(err, errStale):
			return err
		}
	}
}

// apply applies a chunk in one transaction. The error is errStale or errStaleRules
// where it would not stand by what was judged; then nothing has changed.
func (b *batch) apply(ctx context.Context, chunk []*edit) error {
	var w *Writer
	err := b.update(ctx, func(tx kv.Tx, m *schema.Meta) error {
		if err := b.standsByRules(ctx, tx, m, chunk); err != nil {
			return err
		}
		w = NewWriter(b.o.Contents, tx, m)
		return w.run(ctx, b, chunk)
	})
	if err != nil {
		if errors.Is(err, kv.ErrUnknownOutcome) {
			b.keep(chunk) // they may belong to a document; a sweep finds out
		}
		return err
	}
	b.keep(chunk)
	b.o.RemoveFiles(w.removed)
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
	b.rehearsing = true
	defer func() { b.rehearsing = false }()
	var last *Writer
	var growth int64 // of what the quota counts, by the chunks so far
	for chunk, err := range b.chunks(ctx) {
		if err != nil {
			return err
		}
		err = b.o.View(ctx, func(r kv.Reader, m *schema.Meta) error {
			b.looksUp = b.looksUp || isEmpty(m)
			copied := *m
			w := NewWriter(b.o.Contents, dryTx{r}, &copied)
			if last != nil {
				w.follow(last)
			}
			if err := w.run(ctx, b, chunk); err != nil {
				return err
			}
			last = w
			held := m.Quota()
			grows := copied.Quota().Used() - held.Used()
			held.Documents += growth
			growth += grows
			return held.Admits(grows)
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
