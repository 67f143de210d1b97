package view

import (
	"context"

	"settle/storage/couch"
	"settle/storage/kv"
	"settle/storage/view/viewrow"
)

// load maps the documents that an index has nothing of, in the order of their ids, and
// stores their rows: nothing needs to be compared. What changes meanwhile comes in the
// feed, behind the sequence at which the loading began.
func (u *updater) load(ctx context.Context, pending int64) error {
	u.ix.indexes.loading.Add(1)
	defer u.ix.indexes.loading.Add(-1)
	l := loader{updater: u, none: &viewrow.Doc{Stems: make([][][]byte, len(u.head.Views))}, rows: u.newDelta()}
	defer l.wait()
	for p, err := range u.mapped(ctx, u.all) {
		if err != nil {
			return err
		}
		for i, id := range p.ids {
			if err := l.add(ctx, id, p.rows[i]); err != nil {
				return err
			}
		}
		u.progress(len(p.ids), pending)
	}
	if err := l.wait(); err != nil {
		return err
	}
	return u.store(ctx, l.rows, func(h *head) { h.Seq, h.Load = h.Load.Seq, nil })
}

// loader collects rows while those before are stored. Those that collect at the same time
// share the size of a transaction.
type loader struct {
	*updater
	none   *viewrow.Doc
	rows   *delta
	stored chan error // of the transaction under way; nil: there is none
}

// add adds the rows of a document, behind those of others.
func (l *loader) add(ctx context.Context, id couch.DocID, rows []viewRows) error {
	l.rows.add(id, l.none, rows)
	l.rows.addDoc(docKey(id), nil, l.none, rows)
	if l.rows.n++; l.rows.size < commitBytes/int(l.ix.indexes.loading.Load()) {
		return nil
	}
	if err := l.wait(); err != nil {
		return err
	}
	full := l.rows
	l.rows, l.stored = l.newDelta(), make(chan error, 1)
	go func(stored chan<- error) {
		var err error
		defer func() { stored <- err }()
		defer l.ix.recover(&err)
		err = l.store(ctx, full, func(h *head) {
			h.Load = &load{Seq: h.Load.Seq, After: id, Docs: h.Load.Docs + int64(full.n)}
		})
	}(l.stored)
	return nil
}

// wait waits for the transaction under way.
func (l *loader) wait() error {
	if l.stored == nil {
		return nil
	}
	err := <-l.stored
	l.stored = nil
	return err
}

// store stores rows of documents that the index has nothing of, and how far it is then.
func (u *updater) store(ctx context.Context, rows *delta, reach func(*head)) error {
	return u.commit(ctx, func(tx kv.Tx, h *head) error {
		u.setRows(tx, rows)
		u.finish(tx, h, rows)
		reach(h)
		return nil
	})
}
