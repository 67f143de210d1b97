package storage

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strings"

	"settle/attachments"
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

// edit is one document of a batch, and what became of it.
type edit struct {
	doc    *couch.Document
	result couch.WriteResult
	// taken are the new contents that the document brought into the store in
	// the transaction that ran last.
	taken []*attachments.Pending
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
	edits, err := collect(docs)
	defer discard(edits)
	if err != nil {
		return nil, err
	}
	b := newBatch(edits, do)
	chunks := chunked(edits)
	if len(chunks) > 1 {
		if err := db.rehearse(ctx, b, chunks); err != nil {
			return nil, err
		}
	}
	for _, chunk := range chunks {
		if err := db.commit(ctx, b, chunk); err != nil {
			return nil, err
		}
	}
	results := make([]couch.WriteResult, len(edits))
	for i, e := range edits {
		results[i] = e.result
	}
	return results, nil
}

// batch is what the transactions of one batch have in common.
type batch struct {
	do apply
	// looksUp says that CouchDB looks at the stored documents before it merges
	// the batch: when it has attachments or design documents. See interactive.
	looksUp bool
	// frees says that the batch only deletes, which goes on when the disk is full.
	frees bool
}

func newBatch(edits []*edit, do apply) batch {
	b := batch{do: do, frees: true}
	for _, e := range edits {
		b.looksUp = b.looksUp || e.doc.ID.IsDesign() || len(e.doc.Attachments) > 0
		b.frees = b.frees && e.doc.Deleted && len(e.doc.Attachments) == 0
	}
	return b
}

func (b batch) options() []kv.UpdateOption {
	if b.frees {
		return []kv.UpdateOption{kv.Freeing}
	}
	return nil
}

// collect reads a batch. It returns what it has read with an error too.
func collect(docs iter.Seq2[*couch.Document, error]) ([]*edit, error) {
	var edits []*edit
	for doc, err := range docs {
		if doc != nil {
			edits = append(edits, &edit{doc: doc, result: couch.WriteResult{ID: doc.ID}})
		}
		if err != nil {
			return edits, err
		}
	}
	return edits, nil
}

// discard removes the new contents that no document has taken.
func discard(edits []*edit) {
	for _, e := range edits {
		for _, a := range e.doc.Attachments {
			if a.Pending != nil {
				a.Pending.Discard()
			}
		}
	}
}

// A transaction takes so much at the most; what is larger by itself has one alone.
const (
	chunkDocs  = 5000
	chunkBytes = 8 << 20
	smallBlob  = 32 << 10 // what a content adds to a transaction at the most
)

// chunked sorts a batch by id and cuts it into transactions. Edits of one id
// stay in one.
func chunked(edits []*edit) [][]*edit {
	sorted := slices.Clone(edits)
	slices.SortStableFunc(sorted, func(a, b *edit) int {
		return strings.Compare(string(a.doc.ID), string(b.doc.ID))
	})
	var chunks [][]*edit
	start, size := 0, 0
	for i, e := range sorted {
		full := size >= chunkBytes || i-start >= chunkDocs
		if full && e.doc.ID != sorted[i-1].doc.ID {
			chunks = append(chunks, sorted[start:i])
			start, size = i, 0
		}
		size += len(e.doc.Body.Text)
		for _, a := range e.doc.Attachments {
			size += int(min(a.Length, smallBlob))
		}
	}
	if start < len(sorted) {
		chunks = append(chunks, sorted[start:])
	}
	return chunks
}

// commit applies a chunk in one transaction.
func (db *Database) commit(ctx context.Context, b batch, chunk []*edit) error {
	var w *writer
	err := db.update(ctx, func(tx kv.Tx, m *schema.Meta) error {
		w = newWriter(db, tx, m)
		return w.run(ctx, b, chunk)
	}, b.options()...)
	if err != nil {
		if errors.Is(err, kv.ErrUnknownOutcome) {
			keep(chunk) // they may belong to a document; a sweep finds out
		}
		return err
	}
	keep(chunk)
	db.removeFiles(w.refs.removed)
	return nil
}

// keep tells the contents that were taken that they belong to a document now.
func keep(chunk []*edit) {
	for _, e := range chunk {
		for _, p := range e.taken {
			p.Committed()
		}
	}
}

// rehearse applies a batch without writing it, so that what refuses a batch as a
// whole does so before any of its transactions.
func (db *Database) rehearse(ctx context.Context, b batch, chunks [][]*edit) error {
	for _, chunk := range chunks {
		err := db.view(ctx, func(r kv.Reader, m *schema.Meta) error {
			copied := *m
			return newWriter(db, dryTx{r}, &copied).run(ctx, b, chunk)
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
