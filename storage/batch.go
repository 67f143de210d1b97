package storage

import (
	"context"
	"iter"

	"settle/attachments"
	"settle/storage/couch"
	"settle/storage/kv"
	"settle/storage/schema"
	"settle/storage/spool"
)

// batch is the documents of one write.
type batch struct {
	db   *Database
	do   apply
	docs *spool.Spool

	results []couch.WriteResult // in the order of the batch
	pending []couch.PendingBlob // every new content

	// looksUp says that CouchDB looks at the stored documents before it merges
	// the batch: when it has attachments or design documents. See interactive.
	looksUp bool
	// frees says that the batch only deletes, which goes on when the disk is full.
	frees bool
}

// edit is one document of a batch, and what became of it.
type edit struct {
	place  int // in the batch
	doc    *couch.Document
	result couch.WriteResult
	// taken are the new contents that the document brought into the store in
	// the transaction that ran last.
	taken []*attachments.Pending
}

// batchLimit is what a transaction takes, and what of a batch is kept in memory.
var batchLimit = spool.Limit{Docs: 5000, Bytes: 4 << 20}

func newBatch(db *Database, do apply) *batch {
	docs := spool.New(spool.Options{KV: db.store.kv, Key: db.key, Limit: db.store.batches, Reserve: db.store.reserveSpool})
	return &batch{db: db, do: do, docs: docs, frees: true}
}

// collect reads a batch to its end. The error is that of docs, or the spool's.
func (b *batch) collect(ctx context.Context, docs iter.Seq2[*couch.Document, error]) error {
	for doc, err := range docs {
		if doc != nil {
			b.own(doc)
		}
		if err == nil && doc != nil {
			err = b.add(ctx, doc)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// own takes over a document's new contents.
func (b *batch) own(d *couch.Document) {
	for _, a := range d.Attachments {
		if a.Pending != nil {
			b.pending = append(b.pending, a.Pending)
		}
	}
}

func (b *batch) add(ctx context.Context, d *couch.Document) error {
	if err := b.db.validateID(d.ID); err != nil {
		return err
	}
	b.looksUp = b.looksUp || d.ID.IsDesign() || len(d.Attachments) > 0
	b.frees = b.frees && d.Deleted && len(d.Attachments) == 0
	b.results = append(b.results, couch.WriteResult{ID: d.ID})
	return b.docs.Add(ctx, spool.Entry{Place: len(b.results) - 1, Doc: d})
}

// end removes the new contents that no document has taken, and the spool.
func (b *batch) end(ctx context.Context) {
	for _, p := range b.pending {
		p.Discard()
	}
	if p, ok := b.docs.Partition(); ok {
		b.db.store.removeSpool(context.WithoutCancel(ctx), p)
	}
}

// chunks yields what each transaction is to do, in the order of ids.
func (b *batch) chunks(ctx context.Context) iter.Seq2[[]*edit, error] {
	return func(yield func([]*edit, error) bool) {
		for chunk, err := range b.docs.Chunks(ctx) {
			edits := make([]*edit, len(chunk))
			for i, e := range chunk {
				edits[i] = &edit{place: e.Place, doc: e.Doc}
			}
			if !yield(edits, err) {
				return
			}
		}
	}
}

func (b *batch) options() []kv.UpdateOption {
	if b.frees {
		return []kv.UpdateOption{kv.Freeing}
	}
	return nil
}

// reserveSpool takes a partition that the directory marks as unready, so that the
// next start removes what a crash leaves of it.
func (s *Store) reserveSpool(ctx context.Context) (p kv.Partition, err error) {
	err = s.kv.Update(ctx, schema.DirectoryPartition, func(tx kv.Tx) (err error) {
		p, err = takePartition(ctx, tx)
		return err
	})
	return p, err
}

// removeSpool drops a spool's partition. Where it fails the next start does it.
func (s *Store) removeSpool(ctx context.Context, p kv.Partition) {
	err := s.kv.Drop(ctx, p)
	if err == nil {
		err = s.setReady(ctx, p)
	}
	if err != nil {
		s.log.Warn("the spool of a batch could not be removed; the next start will", "error", err)
	}
}
