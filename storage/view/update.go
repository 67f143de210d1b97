package view

import (
	"context"
	"crypto/rand"

	"settle/storage/background"
	"settle/storage/couch"
	"settle/storage/kv"
	"settle/storage/view/redtree"
)

// updater is one run of an index's update. Only it writes to the index meanwhile, or
// errChanged ends it.
type updater struct {
	ix     *Index
	p      kv.Partition
	info   couch.DatabaseInfo // as it is when the run begins: where it leads
	head   *head              // as it was last stored
	maps   Mapper
	task   *background.Task
	done   int64 // changes
	stored int64 // bytes of rows that the run has compared or written
}

// run brings the index up to the sequence of info.
func (u *updater) run(ctx context.Context) (err error) {
	if u.p, err = u.ix.partition(ctx); err != nil {
		return err
	}
	if u.head, err = u.ix.readHead(ctx, u.p); err != nil {
		return err
	}
	// The index was not ahead of the database when it was read.
	if u.info, err = u.ix.db.Info(ctx); err != nil {
		return err
	}
	if u.isForeign() {
		if err := u.reset(ctx); err != nil {
			return err
		}
	}
	if u.head.Kept && u.head.Seq >= u.info.UpdateSeq && u.head.PurgeSeq == u.info.PurgeSeq {
		return nil
	}
	pending, err := u.ix.pending(ctx, u.head, u.info)
	if err != nil {
		return err
	}
	task, mine := u.ix.indexes.tasks.Begin(u.p, couch.Task{Type: couch.TaskIndexer, Database: u.ix.db.Name(), DesignDocument: u.ix.name, Total: pending})
	if u.task = task; mine {
		defer task.End()
	}
	if u.head.PurgeSeq != u.info.PurgeSeq {
		if err := u.purge(ctx); err != nil {
			return err
		}
		if pending, err = u.ix.pending(ctx, u.head, u.info); err != nil {
			return err
		}
	}
	return u.catchUp(ctx, pending)
}

// catchUp reads so many changes, and brings the summaries up to date.
func (u *updater) catchUp(ctx context.Context, pending int64) error {
	if u.head.Kept && u.isMuch(pending) {
		if err := u.dropSummaries(ctx); err != nil {
			return err
		}
	}
	if err := u.mapDocuments(ctx, pending); err != nil {
		return err
	}
	if u.head.Seq < u.info.UpdateSeq {
		err := u.commit(ctx, func(_ kv.Tx, h *head) error {
			h.Seq = u.info.UpdateSeq
			return nil
		})
		if err != nil {
			return err
		}
	}
	if !u.head.Kept {
		return u.makeSummaries(ctx)
	}
	return nil
}

// mapDocuments maps and stores what is to be loaded, then what has changed.
func (u *updater) mapDocuments(ctx context.Context, pending int64) (err error) {
	if u.maps, err = u.ix.newMapper(); err != nil {
		return err
	}
	defer u.maps.Close()
	if u.head.Load != nil {
		if err := u.load(ctx, pending); err != nil {
			return err
		}
	}
	for p, err := range u.mapped(ctx, u.feed) {
		if err != nil {
			return err
		}
		n := len(p.ids)
		if err := u.apply(ctx, p); err != nil {
			return err
		}
		u.progress(n, pending)
	}
	return nil
}

// progress says that so many more documents are mapped, of so many as are known.
func (u *updater) progress(n int, pending int64) {
	u.done += int64(n)
	u.task.Progress(u.done, max(pending, u.done))
}

// isForeign reports whether the index is new, or cannot be of the database as it is:
// the store was put back to an earlier state.
func (u *updater) isForeign() bool {
	return u.head.Incarnation != u.ix.db.Incarnation() || u.head.ahead() > u.info.UpdateSeq || u.head.PurgeSeq > u.info.PurgeSeq
}

// reset begins the index anew. Of one that nothing is stored of nothing is written.
func (u *updater) reset(ctx context.Context) error {
	fresh := &head{Incarnation: u.ix.db.Incarnation(), Generation: u.head.Generation, PurgeSeq: u.info.PurgeSeq}
	fresh.Load = &load{Seq: u.info.UpdateSeq}
	rand.Read(fresh.Seed[:])
	fresh.Views = make([]viewHead, len(u.head.Views))
	if u.head.Generation == 0 {
		u.head = fresh
		return nil
	}
	return u.commit(ctx, func(tx kv.Tx, h *head) error {
		tx.DeleteRange(nil, nil)
		fresh.Generation = h.Generation
		for i := range fresh.Views {
			fresh.Views[i].Changed = h.Generation
		}
		*h = *fresh
		return nil
	})
}

// commit runs fn as a transaction, with a copy of the head to be changed. It fails
// with errChanged where the index is not in the state that the updater knows.
func (u *updater) commit(ctx context.Context, fn func(kv.Tx, *head) error) error {
	var next *head
	err := u.ix.db.IndexUpdate(ctx, u.p, func(tx kv.Tx) error {
		stored, err := readHead(ctx, tx, len(u.head.Views))
		if err != nil {
			return err
		}
		if stored.Generation != u.head.Generation || stored.Generation > 0 && stored.Seed != u.head.Seed {
			return errChanged
		}
		next = u.head.clone()
		next.Generation++
		if err := fn(tx, next); err != nil {
			return err
		}
		tx.Set(headKey(), next.encode())
		return nil
	})
	if err == nil {
		u.head = next
	}
	return dropped(err)
}

// view is a View of the index in the state that the updater knows.
func (u *updater) view(ctx context.Context, fn func(kv.Reader) error) error {
	return u.ix.viewAt(u.p, u.head)(ctx, fn)
}

// So many changes, or bytes of rows, and one for so many rows or bytes that there are,
// are much: changing the summaries with them would cost more than making them anew.
const (
	muchAlways  = 1000
	muchBytes   = 16 << 20
	muchPerRows = 16
)

func (u *updater) isMuch(pending int64) bool {
	var rows int64
	for _, v := range u.head.Views {
		rows += v.Rows
	}
	return pending > muchAlways+rows/muchPerRows
}

func (u *updater) dropSummaries(ctx context.Context) error {
	return u.commit(ctx, func(tx kv.Tx, h *head) error {
		h.Kept = false
		u.deleteSummaries(tx, h)
		return nil
	})
}

func (u *updater) deleteSummaries(tx kv.Tx, h *head) {
	for i := range h.Views {
		h.Views[i].Root = redtree.Root{}
		r := u.ix.tree(h, i).Summaries()
		tx.DeleteRange(r.Lo, r.Hi)
	}
}

// makeSummaries makes the summaries of all rows.
func (u *updater) makeSummaries(ctx context.Context) error {
	err := u.commit(ctx, func(tx kv.Tx, h *head) error {
		u.deleteSummaries(tx, h)
		return nil
	})
	if err != nil {
		return err
	}
	roots := make([]redtree.Root, len(u.head.Views))
	for i := range roots {
		store := func(writes []redtree.Write) error {
			return u.commit(ctx, func(tx kv.Tx, _ *head) error {
				for _, w := range writes {
					set(tx, w)
				}
				return nil
			})
		}
		if roots[i], err = u.ix.tree(u.head, i).Build(ctx, u.view, store); err != nil {
			return err
		}
	}
	return u.commit(ctx, func(_ kv.Tx, h *head) error {
		h.Kept = true
		for i, root := range roots {
			h.Views[i].Root = root
			h.Views[i].Rows = root.Rows
		}
		return nil
	})
}
