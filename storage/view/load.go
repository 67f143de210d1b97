package view

import (
	"context"

	"settle/storage/couch"
	"settle/storage/kv"
	"settle/storage/view/viewrow"
)

// loadBytes is of how many bytes of rows a transaction is while an index is loaded. It
// is held in memory; the larger it is, the less of what it writes is merged later.
const loadBytes = 8 << 20

// load maps the documents that an index has nothing of, in the order of their ids, and
// stores their rows: nothing needs to be compared. What changes meanwhile comes in the
// feed, behind the sequence at which the loading began.
func (u *updater) load(ctx context.Context, pending int64) error {
	u.done = u.head.Load.Docs
	none := &viewrow.Doc{Stems: make([][][]byte, len(u.head.Views))}
	d := u.newDelta()
	for p, err := range u.mapped(ctx, u.all) {
		if err != nil {
			return err
		}
		for i, id := range p.ids {
			d.add(id, none, p.rows[i])
			d.addDoc(docKey(id), nil, none, p.rows[i])
			if d.n++; d.size < loadBytes {
				continue
			}
			if err := u.store(ctx, d, id); err != nil {
				return err
			}
			d = u.newDelta()
		}
		u.progress(len(p.ids), pending)
	}
	return u.commit(ctx, func(tx kv.Tx, h *head) error {
		u.setRows(tx, d)
		u.finish(tx, h, d)
		h.Seq, h.Load = h.Load.Seq, nil
		return nil
	})
}

// store stores the rows of documents up to that of an id.
func (u *updater) store(ctx context.Context, d *delta, id couch.DocID) error {
	return u.commit(ctx, func(tx kv.Tx, h *head) error {
		u.setRows(tx, d)
		u.finish(tx, h, d)
		h.Load = &load{Seq: h.Load.Seq, After: id, Docs: h.Load.Docs + int64(d.n)}
		return nil
	})
}
