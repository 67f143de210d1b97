package edits

import (
	"context"
	"slices"
	"time"

	"settle/attachments"
	"settle/storage/blobrefs"
	"settle/storage/couch"
	"settle/storage/crypt"
	"settle/storage/kv"
	"settle/storage/leafblobs"
	"settle/storage/revtree"
	"settle/storage/schema"
	"settle/storage/seqcount"
)

// Contents is what the documents of a database hold: bodies, sealed under its key,
// and blobs.
type Contents struct {
	Key   *crypt.DatabaseKey
	Blobs *attachments.Blobs
	Now   func() time.Time
}

// Writer is one transaction that changes documents. It gathers what several
// documents change of the same rows, because a transaction does not read its
// own writes. It is for one goroutine, and for one call of Purge or Compact.
type Writer struct {
	contents Contents
	tx       kv.Tx
	m        *schema.Meta
	before   couch.Seq // the newest update when the transaction began
	counts   seqcount.Counts
	refs     blobrefs.Refs
	held     leafblobs.Changes
	removed  []couch.BlobID                           // contents whose records the transaction removes
	taken    []*attachments.Pending                   // of the edit being applied
	brought  map[attachments.Tag]*attachments.Pending // contents that the transaction stores
	spent    map[couch.BlobID]bool                    // uploads that it uses up
	deferred map[couch.BlobID]bool                    // contents that the transaction defers
	origins  map[couch.OriginID][]byte                // their origins' rows
	designs  bool                                     // a design document changes

	// last is the document that was edited last.
	last *docState
	// looksUp: an edit that names a revision of a missing document is a conflict.
	looksUp bool
}

// NewWriter returns a writer of a transaction. It changes m, which the caller stores.
func NewWriter(c Contents, tx kv.Tx, m *schema.Meta) *Writer {
	return &Writer{contents: c, tx: tx, m: m, before: m.UpdateSeq}
}

// follow has the writer go on behind one whose writes went nowhere, like it is itself.
func (w *Writer) follow(before *Writer) {
	w.last, w.held, w.brought, w.deferred = before.last, before.held, before.brought, before.deferred
	w.spent = before.spent
}

// Removed returns the contents whose records the transaction removes. Their files go
// once it is durable.
func (w *Writer) Removed() []couch.BlobID { return w.removed }

// runRows is of how many documents the rows are read at once. They may be far larger
// than what a batch says of the documents.
const runRows = 100

// run applies edits, which are sorted by id. It holds one tree at a time.
func (w *Writer) run(ctx context.Context, b *batch, edits []*edit) error {
	w.looksUp = b.looksUp || b.rules.Judge != nil || isEmpty(w.m)
	for ids := range slices.Chunk(idsOf(edits), runRows) {
		rows, err := w.rows(ctx, ids)
		if err != nil {
			return err
		}
		for i, id := range ids {
			s, err := w.state(id, rows[i])
			if err != nil {
				return err
			}
			n := 1
			for n < len(edits) && edits[n].doc.ID == id {
				n++
			}
			if err := w.change(ctx, b, s, edits[:n]); err != nil {
				return err
			}
			w.last, rows[i], edits = s, nil, edits[n:]
		}
	}
	return w.finish(ctx)
}

// change applies the edits of one document, and stores it.
func (w *Writer) change(ctx context.Context, b *batch, s *docState, edits []*edit) error {
	for _, e := range edits {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := w.edit(ctx, b, s, e); err != nil {
			return err
		}
	}
	return w.store(ctx, s)
}

// edit applies one edit to its document.
func (w *Writer) edit(ctx context.Context, b *batch, s *docState, e *edit) error {
	refused, err := b.refusal(s, e)
	if err == nil && refused != nil {
		err = b.missingStub(ctx, w, s, e)
	}
	if err != nil {
		return err
	}
	if refused != nil {
		e.result, e.taken = couch.WriteResult{ID: e.doc.ID, Rev: e.doc.Rev(), Err: refused}, nil
		return nil
	}
	w.taken = nil
	rev, refusal, err := b.kind.apply()(ctx, w, s, e.doc)
	if err != nil {
		return err
	}
	e.result = couch.WriteResult{ID: e.doc.ID, Rev: rev, Err: refusal}
	e.taken = w.taken
	return nil
}

// isEmpty says whether a database has no documents, not even deleted ones.
func isEmpty(m *schema.Meta) bool { return m.DocCount+m.DeletedCount == 0 }

// idsOf returns the ids of edits, which are sorted by them, each once.
func idsOf(edits []*edit) []couch.DocID {
	ids := make([]couch.DocID, len(edits))
	for i, e := range edits {
		ids[i] = e.doc.ID
	}
	return slices.Compact(ids)
}

// load reads documents, each of which ids names once.
func (w *Writer) load(ctx context.Context, ids []couch.DocID) (map[couch.DocID]*docState, error) {
	rows, err := w.rows(ctx, ids)
	if err != nil {
		return nil, err
	}
	states := make(map[couch.DocID]*docState, len(ids))
	for i, id := range ids {
		if states[id], err = w.state(id, rows[i]); err != nil {
			return nil, err
		}
	}
	return states, nil
}

// rows reads the rows of documents, nil where there is none.
func (w *Writer) rows(ctx context.Context, ids []couch.DocID) ([][]byte, error) {
	keys := make([][]byte, len(ids))
	for i, id := range ids {
		keys[i] = schema.DocKey(id)
	}
	return w.tx.GetMulti(ctx, keys...)
}

// state returns a document as its row has it, or as the edits of the last one left it.
func (w *Writer) state(id couch.DocID, row []byte) (*docState, error) {
	if w.last != nil && w.last.id == id {
		return w.last, nil
	}
	return newDocState(id, row)
}

// store writes what has become of a document.
func (w *Writer) store(ctx context.Context, s *docState) error {
	if !s.changed && s.before == nil {
		return nil
	}
	if s.tree.Len() == 0 {
		return w.erase(ctx, s)
	}
	if err := w.stem(ctx, s); err != nil {
		return err
	}
	if same, err := s.isUnchanged(); same || err != nil {
		return err
	}
	w.m.UpdateSeq++
	row := schema.NewDocRow(s.tree, w.m.UpdateSeq)
	encoded, err := row.Encode()
	if err != nil {
		return err
	}
	w.tx.Set(schema.DocKey(s.id), encoded)
	w.forget(s)
	w.tx.Set(schema.SeqKey(row.Seq), schema.NewSeqRow(s.id, s.tree).Encode())
	w.counts.Add(row.Seq, 1)
	*w.m.Counter(row.Deleted)++
	return w.count(ctx, s)
}

// erase removes a document of which no revision is left.
func (w *Writer) erase(ctx context.Context, s *docState) error {
	w.forget(s)
	w.tx.Delete(schema.DocKey(s.id))
	return w.count(ctx, s)
}

// forget takes a document, as it was stored, out of by-seq and the number of documents.
func (w *Writer) forget(s *docState) {
	w.designs = w.designs || s.id.IsDesign()
	if s.old == nil {
		return
	}
	w.tx.Delete(schema.SeqKey(s.old.Seq))
	w.counts.Add(s.old.Seq, -1)
	*w.m.Counter(s.old.Deleted)--
}

// stem cuts a document's histories to the database's limit.
func (w *Writer) stem(ctx context.Context, s *docState) error {
	limit := int(w.m.RevsLimit)
	if s.tree.Len() <= limit {
		return nil
	}
	stored := storedRevs(s.tree)
	for _, rev := range s.tree.Stem(limit) {
		if node, ok := stored[rev]; ok {
			if err := w.dropBody(ctx, s, rev, node); err != nil {
				return err
			}
		}
	}
	return nil
}

// readBody reads what a stored revision says; n is its node in the tree.
func (w *Writer) readBody(ctx context.Context, id couch.DocID, rev couch.RevID, n revtree.Node) (schema.Body, error) {
	sealed, err := w.tx.GetMulti(ctx, schema.BodyKey(id, rev))
	if err != nil {
		return schema.Body{}, err
	}
	return schema.OpenBody(w.contents.Key, sealed[0], id, rev, n)
}

// finish writes what the documents of the transaction have in common.
func (w *Writer) finish(ctx context.Context) error {
	if w.designs {
		w.m.DesignSeq = w.m.UpdateSeq
	}
	if err := w.counts.Store(ctx, w.tx); err != nil {
		return err
	}
	if err := w.noteHour(ctx); err != nil {
		return err
	}
	if err := w.bringOrigins(ctx); err != nil {
		return err
	}
	growth, err := w.held.Settle(ctx, w.tx, w.weigh)
	if err != nil {
		return err
	}
	w.m.LeafBlobBytes += growth
	return w.removeUnused(ctx)
}

// noteHour notes the first sequence of an hour.
func (w *Writer) noteHour(ctx context.Context) error {
	if w.m.UpdateSeq == w.before {
		return nil
	}
	key := schema.TimeKey(schema.HourOf(w.contents.Now()))
	rows, err := w.tx.GetMulti(ctx, key)
	if err == nil && rows[0] == nil {
		w.tx.Set(key, schema.EncodeTimeRow(w.before+1))
	}
	return err
}
