package storage

import (
	"context"
	"iter"
	"slices"
	"strings"

	"settle/attachments"
	"settle/storage/couch"
	"settle/storage/kv"
	"settle/storage/schema"
	"settle/storage/spool"
)

// batch is the documents of one write, in memory as long as they fit, else in a
// spool.
type batch struct {
	db *Database
	do apply

	edits []*edit // nil when spooled
	size  int     // of edits, in bytes
	spool *spool.Spool

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

// chunkLimit is how much a transaction takes at the most, and the memory of a
// batch. What is larger by itself has a transaction alone.
type chunkLimit struct{ docs, bytes int }

var defaultChunk = chunkLimit{docs: 5000, bytes: 4 << 20}

// smallBlob is what a content adds to a transaction at the most.
const smallBlob = 32 << 10

// weight estimates what a document takes in memory.
func weight(d *couch.Document) int {
	n := 512 + len(d.ID) + len(d.Body.Text) + len(d.Body.Term) + 48*len(d.Revisions.Hashes)
	for _, a := range d.Attachments {
		n += 256 + len(a.Name) + int(min(a.Length, smallBlob))
	}
	return n
}

// collect reads a batch to its end. The error is that of docs, or the spool's.
func (b *batch) collect(ctx context.Context, docs iter.Seq2[*couch.Document, error]) error {
	b.frees = true
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
	b.looksUp = b.looksUp || d.ID.IsDesign() || len(d.Attachments) > 0
	b.frees = b.frees && d.Deleted && len(d.Attachments) == 0
	place := len(b.results)
	b.results = append(b.results, couch.WriteResult{ID: d.ID})
	if b.spool != nil {
		return b.spool.Add(ctx, place, d)
	}
	b.edits = append(b.edits, &edit{place: place, doc: d})
	if b.size += weight(d); b.size <= b.db.store.chunk.bytes {
		return nil
	}
	return b.spill(ctx)
}

// spill moves the batch from memory to a spool.
func (b *batch) spill(ctx context.Context) error {
	s, err := b.db.newSpool(ctx)
	if err != nil {
		return err
	}
	b.spool = s
	for _, e := range b.edits {
		if err := s.Add(ctx, e.place, e.doc); err != nil {
			return err
		}
	}
	b.edits = nil
	return nil
}

// end removes the new contents that no document has taken, and the spool.
func (b *batch) end(ctx context.Context) {
	for _, p := range b.pending {
		p.Discard()
	}
	if b.spool != nil {
		b.db.store.removeSpool(context.WithoutCancel(ctx), b.spool.Partition())
	}
}

// sorted yields the edits in the order of their ids, those of one id in the
// order of the batch.
func (b *batch) sorted(ctx context.Context) iter.Seq2[*edit, error] {
	return func(yield func(*edit, error) bool) {
		if b.spool != nil {
			for e, err := range b.spool.All(ctx) {
				if !yield(&edit{place: e.Place, doc: e.Doc}, err) {
					return
				}
			}
			return
		}
		slices.SortStableFunc(b.edits, func(x, y *edit) int {
			return strings.Compare(string(x.doc.ID), string(y.doc.ID))
		})
		for _, e := range b.edits {
			if !yield(e, nil) {
				return
			}
		}
	}
}

// chunks cuts the batch into transactions. Edits of one id are in one, unless
// that would be more than twice as large as another.
func (b *batch) chunks(ctx context.Context) iter.Seq2[[]*edit, error] {
	return func(yield func([]*edit, error) bool) {
		var chunk []*edit
		size := 0
		for e, err := range b.sorted(ctx) {
			if err != nil {
				yield(nil, err)
				return
			}
			if n := len(chunk); n > 0 && b.db.store.chunk.cuts(size, n, e.doc.ID == chunk[n-1].doc.ID) {
				if !yield(chunk, nil) {
					return
				}
				chunk, size = nil, 0
			}
			chunk = append(chunk, e)
			size += weight(e.doc)
		}
		if len(chunk) > 0 {
			yield(chunk, nil)
		}
	}
}

// cuts says whether a transaction of so many bytes and documents is full.
func (l chunkLimit) cuts(size, docs int, sameID bool) bool {
	if sameID {
		size, docs = size/2, docs/2
	}
	return size >= l.bytes || docs >= l.docs
}

// many says whether the batch may be more than one transaction.
func (b *batch) many() bool { return b.spool != nil || len(b.edits) > b.db.store.chunk.docs }

func (b *batch) options() []kv.UpdateOption {
	if b.frees {
		return []kv.UpdateOption{kv.Freeing}
	}
	return nil
}

// newSpool makes a spool in a partition that the directory marks as unready, so
// that the next start removes what a crash leaves of it.
func (db *Database) newSpool(ctx context.Context) (*spool.Spool, error) {
	var p kv.Partition
	err := db.store.kv.Update(ctx, schema.DirectoryPartition, func(tx kv.Tx) (err error) {
		p, err = takePartition(ctx, tx)
		return err
	})
	if err != nil {
		return nil, schema.DomainError(err)
	}
	return spool.New(db.store.kv, db.key, p), nil
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
