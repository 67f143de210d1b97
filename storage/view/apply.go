package view

import (
	"bytes"
	"context"
	"slices"

	"settle/storage/couch"
	"settle/storage/kv"
	"settle/storage/view/redtree"
	"settle/storage/view/viewrow"
)

// delta is what documents change.
type delta struct {
	views []viewDelta
	docs  []redtree.Write // by-id
	bytes int64
	n     int // documents
	size  int // of the rows that they had and have
}

func (u *updater) newDelta() *delta {
	return &delta{views: make([]viewDelta, len(u.ix.definition.Views))}
}

type viewDelta struct {
	changes []redtree.Change // ascending
	rows    int64            // more than before
}

// A transaction is of so many bytes of rows, or those of one document.
const commitBytes = 4 << 20

// readAtOnce is of how many documents what is remembered is read together.
const readAtOnce = 16

// apply stores a part, in as many transactions as its rows ask for.
func (u *updater) apply(ctx context.Context, p *part) error {
	p.dedupe()
	for {
		if u.head.Kept && u.stored > muchBytes+u.head.Bytes/muchPerRows {
			if err := u.dropSummaries(ctx); err != nil {
				return err
			}
		}
		store := u.applyRows
		if u.head.Kept {
			store = u.applyKept
		}
		d, err := store(ctx, p)
		if err != nil {
			return err
		}
		u.stored += int64(d.size)
		if p.ids, p.rows = p.ids[d.n:], p.rows[d.n:]; len(p.ids) == 0 {
			return nil
		}
	}
}

// applyRows stores rows of a part alone.
func (u *updater) applyRows(ctx context.Context, p *part) (d *delta, err error) {
	err = u.commit(ctx, func(tx kv.Tx, h *head) (err error) {
		if d, err = u.delta(ctx, tx, p); err != nil {
			return err
		}
		u.setRows(tx, d)
		u.finish(tx, h, d)
		p.advance(h, d)
		return nil
	})
	return d, err
}

// applyKept stores rows of a part, and what becomes of the summaries.
func (u *updater) applyKept(ctx context.Context, p *part) (d *delta, err error) {
	err = u.view(ctx, func(r kv.Reader) (err error) {
		d, err = u.delta(ctx, r, p)
		return err
	})
	if err != nil {
		return nil, err
	}
	roots := make([]redtree.Root, len(u.head.Views))
	var writes []redtree.Write
	for i, v := range d.views {
		if roots[i] = u.head.Views[i].Root; len(v.changes) == 0 {
			continue
		}
		var more []redtree.Write
		if roots[i], more, err = u.ix.tree(u.head, i).Update(ctx, redtree.State{View: u.view, Root: roots[i]}, v.changes); err != nil {
			return nil, err
		}
		writes = append(writes, more...)
	}
	return d, u.commit(ctx, func(tx kv.Tx, h *head) error {
		for i, root := range roots {
			h.Views[i].Root = root
		}
		for _, w := range writes {
			set(tx, w)
		}
		u.finish(tx, h, d)
		p.advance(h, d)
		return nil
	})
}

func set(tx kv.Tx, w redtree.Write) {
	if w.Value == nil {
		tx.Delete(w.Key)
	} else {
		tx.Set(w.Key, w.Value)
	}
}

// setRows writes the rows of the views.
func (u *updater) setRows(tx kv.Tx, d *delta) {
	for i, v := range d.views {
		tree := u.ix.tree(u.head, i)
		for _, c := range v.changes {
			set(tx, redtree.Write{Key: tree.RowKey(c.Key), Value: c.Value})
		}
	}
}

// finish writes what there is whatever becomes of the summaries.
func (u *updater) finish(tx kv.Tx, h *head, d *delta) {
	for _, w := range d.docs {
		set(tx, w)
	}
	h.Bytes += d.bytes
	for i, v := range d.views {
		h.Views[i].Rows += v.rows
		if len(v.changes) > 0 {
			h.Views[i].Changed = h.Generation
		}
	}
}

// advance says in the head that the index has a part, once it has the whole of it.
func (p *part) advance(h *head, d *delta) {
	if d.n == len(p.ids) {
		h.Seq = max(h.Seq, p.last)
	}
}

// dedupe leaves of each document what came last.
func (p *part) dedupe() {
	seen := make(map[couch.DocID]int, len(p.ids))
	ids, rows := p.ids[:0], p.rows[:0]
	for i, id := range p.ids {
		if at, ok := seen[id]; ok {
			rows[at] = p.rows[i]
			continue
		}
		seen[id] = len(ids)
		ids, rows = append(ids, id), append(rows, p.rows[i])
	}
	p.ids, p.rows = ids, rows
}

// delta compares documents of a part, from the first on, with what is stored of them,
// until what they change is enough for a transaction.
func (u *updater) delta(ctx context.Context, r kv.Reader, p *part) (*delta, error) {
	d := u.newDelta()
	var same []*sameRow
	for ids := range slices.Chunk(p.ids, readAtOnce) {
		stored, err := p.stored(ctx, r, ids)
		if err != nil {
			return nil, err
		}
		more, err := d.addAll(ids, stored, p.rows[d.n:])
		if err != nil {
			return nil, err
		}
		if same = append(same, more...); d.size >= commitBytes {
			break
		}
	}
	if err := d.compare(ctx, r, u, same); err != nil {
		return nil, err
	}
	for i := range d.views {
		slices.SortFunc(d.views[i].changes, func(x, y redtree.Change) int { return bytes.Compare(x.Key, y.Key) })
	}
	return d, nil
}

// stored reads what is remembered of documents.
func (p *part) stored(ctx context.Context, r kv.Reader, ids []couch.DocID) ([][]byte, error) {
	keys := make([][]byte, len(ids))
	for i, id := range ids {
		keys[i] = docKey(id)
	}
	return r.GetMulti(ctx, keys...)
}

// addAll adds documents, until there are enough.
func (d *delta) addAll(ids []couch.DocID, stored [][]byte, rows [][]viewRows) (same []*sameRow, err error) {
	none := &viewrow.Doc{Stems: make([][][]byte, len(d.views))}
	for i, id := range ids {
		old := none
		if stored[i] != nil {
			if old, err = viewrow.DecodeDoc(stored[i], len(d.views)); err != nil {
				return nil, err
			}
		}
		same = append(same, d.add(id, old, rows[i])...)
		d.addDoc(docKey(id), stored[i], old, rows[i])
		if d.n++; d.size >= commitBytes {
			break
		}
	}
	return same, nil
}

// sameRow is a row whose key a document had before: its value may be the same.
type sameRow struct {
	view int
	redtree.Change
}

// add adds what becomes of one document's rows, and returns those that are only
// changed if their values differ.
func (d *delta) add(id couch.DocID, old *viewrow.Doc, rows []viewRows) (same []*sameRow) {
	for view := range d.views {
		v := &d.views[view]
		before, after := viewrow.Keys(old.Stems[view], id), viewrow.Keys(rows[view].stems, id)
		v.rows += int64(len(after) - len(before))
		d.size += (len(after) + len(before)) * (len(id) + perRow)
		for len(before) > 0 || len(after) > 0 {
			order := 0
			switch {
			case len(after) == 0:
				order = -1
			case len(before) == 0:
				order = 1
			default:
				order = bytes.Compare(before[0], after[0])
			}
			if order < 0 {
				v.changes = append(v.changes, redtree.Change{Key: before[0]})
				before = before[1:]
				continue
			}
			c := redtree.Change{Key: after[0], Value: rows[view].values[len(rows[view].values)-len(after)]}
			if after = after[1:]; order > 0 {
				v.changes = append(v.changes, c)
				continue
			}
			before = before[1:]
			same = append(same, &sameRow{view, c})
		}
	}
	return same
}

// addDoc adds what becomes of the document's own row.
func (d *delta) addDoc(key, stored []byte, old *viewrow.Doc, rows []viewRows) {
	now := viewrow.Doc{Stems: make([][][]byte, len(rows))}
	for view, v := range rows {
		now.Stems[view] = v.stems
		for i, value := range v.values {
			now.Bytes += int64(len(v.stems[i]) + len(value))
		}
	}
	d.bytes += now.Bytes - old.Bytes
	d.size += int(now.Bytes + old.Bytes)
	w := redtree.Write{Key: key}
	if !now.IsEmpty() {
		w.Value = now.Encode()
		d.size += len(w.Value)
	}
	if !bytes.Equal(w.Value, stored) {
		d.docs = append(d.docs, w)
	}
}

// compare adds of the rows that were there before those whose values differ.
func (d *delta) compare(ctx context.Context, r kv.Reader, u *updater, same []*sameRow) error {
	for page := range slices.Chunk(same, kv.PageRows) {
		keys := make([][]byte, len(page))
		for i, s := range page {
			keys[i] = u.ix.tree(u.head, s.view).RowKey(s.Key)
		}
		values, err := r.GetMulti(ctx, keys...)
		if err != nil {
			return err
		}
		for i, s := range page {
			if !bytes.Equal(values[i], s.Value) {
				d.views[s.view].changes = append(d.views[s.view].changes, s.Change)
			}
		}
	}
	return nil
}
