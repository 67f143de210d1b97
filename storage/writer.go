package storage

import (
	"context"

	"settle/attachments"
	"settle/storage/couch"
	"settle/storage/kv"
	"settle/storage/schema"
	"settle/storage/seqcount"
)

// writer is one transaction that changes documents. It gathers what several
// documents change of the same rows, because a transaction does not read its
// own writes.
type writer struct {
	db     *Database
	tx     kv.Tx
	m      *schema.Meta
	counts seqcount.Counts
	refs   refs
	taken  []*attachments.Pending // of the edit being applied

	// looksUp: an edit that names a revision of a missing document is a conflict.
	looksUp bool
}

func newWriter(db *Database, tx kv.Tx, m *schema.Meta) *writer {
	return &writer{db: db, tx: tx, m: m}
}

// run applies edits, which are sorted by id.
func (w *writer) run(ctx context.Context, b batch, edits []*edit) error {
	w.looksUp = b.looksUp || w.m.DocCount+w.m.DeletedCount == 0
	states, err := w.load(ctx, edits)
	if err != nil {
		return err
	}
	for i, e := range edits {
		s := states[i]
		w.taken = nil
		rev, refusal, err := b.do(ctx, w, s, e.doc)
		if err != nil {
			return err
		}
		e.result = couch.WriteResult{ID: e.doc.ID, Rev: rev, Err: refusal}
		e.taken = w.taken
		if i+1 == len(edits) || states[i+1] != s {
			if err := w.store(ctx, s); err != nil {
				return err
			}
		}
	}
	return w.finish(ctx)
}

// load reads the documents of edits, each once.
func (w *writer) load(ctx context.Context, edits []*edit) ([]*docState, error) {
	var keys [][]byte
	for i, e := range edits {
		if i == 0 || e.doc.ID != edits[i-1].doc.ID {
			keys = append(keys, schema.DocKey(e.doc.ID))
		}
	}
	rows, err := w.tx.GetMulti(ctx, keys...)
	if err != nil {
		return nil, err
	}
	states := make([]*docState, len(edits))
	next := 0
	for i, e := range edits {
		if i > 0 && e.doc.ID == edits[i-1].doc.ID {
			states[i] = states[i-1]
			continue
		}
		if states[i], err = newDocState(e.doc.ID, rows[next]); err != nil {
			return nil, err
		}
		next++
	}
	return states, nil
}

// store writes what has become of a document.
func (w *writer) store(ctx context.Context, s *docState) error {
	if !s.changed {
		return nil
	}
	if err := w.stem(ctx, s); err != nil {
		return err
	}
	w.m.UpdateSeq++
	row := schema.NewDocRow(s.tree, w.m.UpdateSeq)
	encoded, err := row.Encode()
	if err != nil {
		return err
	}
	w.tx.Set(schema.DocKey(s.id), encoded)
	if s.old != nil {
		w.tx.Delete(schema.SeqKey(s.old.Seq))
		w.counts.Add(s.old.Seq, -1)
	}
	w.tx.Set(schema.SeqKey(row.Seq), schema.NewSeqRow(s.id, s.tree).Encode())
	w.counts.Add(row.Seq, 1)
	w.count(s, row)
	return nil
}

// count brings the document's part in the database's totals up to date.
func (w *writer) count(s *docState, now *schema.DocRow) {
	if s.old != nil {
		*w.m.Counter(s.old.Deleted)--
	}
	*w.m.Counter(now.Deleted)++
	w.m.ActiveBytes += schema.ActiveBytes(s.tree) - s.activeBefore
}

// stem cuts a document's histories to the database's limit.
func (w *writer) stem(ctx context.Context, s *docState) error {
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

// finish writes what the documents of the transaction have in common.
func (w *writer) finish(ctx context.Context) error {
	if err := w.counts.Store(ctx, w.tx); err != nil {
		return err
	}
	return w.removeUnused(ctx)
}
