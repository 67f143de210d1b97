package edits

import (
	"cmp"
	"context"
	"iter"

	"settle/attachments"
	"settle/storage/couch"
	"settle/storage/kv"
	"settle/storage/schema"
	"settle/storage/spool"
)

// Options says where a batch is written to. All must be set.
type Options struct {
	Contents
	Partitioned bool // the database has partitions
	// View and Update run a function on a durable state of the database, and as a
	// transaction that stores what the function makes of the meta row.
	View   func(context.Context, func(kv.Reader, *schema.Meta) error) error
	Update func(context.Context, func(kv.Tx, *schema.Meta) error, ...kv.UpdateOption) error
	// CheckID returns what is wrong with the id of a document, beside its form.
	CheckID func(couch.DocID) error
	// Validation returns what documents are judged by, read anew where it has changed.
	// Nil: they are not judged.
	Validation func(ctx context.Context, anew bool) (Rules, error)
	// CheckDesign says why a design document is refused; see [Judge]. It is set where
	// Validation is.
	CheckDesign func(context.Context, *couch.Document) (refusal, err error)
	// RemoveFiles removes the files of contents whose records are gone, durably.
	RemoveFiles func([]couch.BlobID)

	Spool spool.Options
	// DropSpool drops the partition that Spool.Reserve has given.
	DropSpool func(context.Context, kv.Partition)
}

// Kind says by which rules a batch is applied.
type Kind int

// The kinds of batches.
const (
	// Interactive edits replace a leaf, and get a revision id.
	Interactive Kind = iota
	// Replicated documents bring a path of their own, which is merged.
	Replicated
)

// refusal says why an edit is refused before it is merged into its document; nil: it is
// not. The error is errStale.
func (b *batch) refusal(s *docState, e *edit) (refusal, err error) {
	switch {
	case b.kind.refuses(e.doc):
		return errJudged, nil
	case b.isJudged(e) && !b.rehearsing:
		if refusal, err := b.verdict(s, e); refusal != nil || err != nil {
			return refusal, err
		}
	}
	if !b.o.Partitioned && e.doc.ID.IsDesign() && asksForPartitions(e.doc.Body.Text) {
		return errPartitioned, nil
	}
	return nil, nil
}

// refuses reports whether a document is not to be written in a batch of the kind.
func (k Kind) refuses(d *couch.Document) bool {
	return k == Interactive && d.NotInteractive || k == Replicated && d.NotReplicated
}

// errJudged is the result of a document that somebody has refused who knows why.
var errJudged = &couch.Error{Kind: couch.Forbidden, Reason: "The document was refused."}

// apply merges one edit into its document. It returns the revision, and as a
// refusal what concerns this edit alone; err ends the whole batch.
type apply func(ctx context.Context, w *Writer, s *docState, d *couch.Document) (rev couch.RevID, refusal, err error)

func (k Kind) apply() apply {
	if k == Replicated {
		return replicated
	}
	return interactive
}

// batch is the documents of one write.
type batch struct {
	o    Options
	kind Kind
	docs *spool.Spool

	results []couch.WriteResult // in the order of the batch
	pending []couch.PendingBlob // every new content

	// looksUp says that CouchDB looks at the stored documents before it merges
	// the batch: when it has attachments or design documents. See interactive.
	looksUp bool
	// rules are what the batch is judged by, with the security object as it was read
	// last. epoch grows when either changes: the verdicts before count no more.
	rules    Rules
	security []byte
	epoch    int
	// rehearsing says that nothing is written, and so not judged.
	rehearsing bool

	// frees says that the batch only deletes, which goes on when the disk is full.
	frees bool
	// badID is what is wrong with the first id that CheckID has refused. It is told
	// once all documents have come.
	badID error
}

// edit is one document of a batch, and what became of it.
type edit struct {
	place  int // in the batch
	doc    *couch.Document
	result couch.WriteResult
	judged verdict
	// taken are the new contents that the document brought into the store in
	// the transaction that ran last.
	taken []*attachments.Pending
}

func newBatch(o Options) *batch {
	return &batch{o: o, docs: spool.New(o.Spool), frees: true}
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
	return b.badID
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
	if err := b.o.CheckID(d.ID); err != nil {
		b.badID = cmp.Or(b.badID, err)
	}
	if b.badID != nil {
		return nil
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
		b.o.DropSpool(context.WithoutCancel(ctx), p)
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
