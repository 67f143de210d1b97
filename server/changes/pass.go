package changes

import (
	"errors"

	"settle/storage/couch"
)

// pass shows the changes that are there, up to the limit.
//
// It goes as far as the database has come when it begins: a change behind that
// may have overtaken another that was not read yet, and a feed that never catches
// up with its writers would not end.
func (f *feed) pass() error {
	ctx := f.r.Context()
	newest, err := f.db.UpdateSeq(ctx)
	if err != nil {
		return err
	}
	f.newest = newest
	if f.o.changes.Descending {
		f.last = newest
	} else if newest <= f.last { // woken by something else than a change
		return nil
	}
	if err := f.count(); err != nil || f.left == 0 {
		return err
	}
	whole, err := f.scan()
	if whole && f.filter != nil && !f.filter.reads() && !f.o.changes.Descending {
		f.last = newest
	}
	return err
}

// count counts the rows that the pass is about, where `pending` at the end is to
// say how many of them were not shown.
func (f *feed) count() error {
	f.counted = f.filter != nil || f.o.changes.Descending
	if !f.counted {
		return nil
	}
	var err error
	f.pending, err = f.db.PendingChanges(f.r.Context(), f.from())
	return err
}

// from is behind which sequence the pass begins. Descending goes down to the
// first change, whatever since is.
func (f *feed) from() couch.Seq {
	if f.o.changes.Descending {
		return 0
	}
	return f.last
}

// scan reads and shows rows. It reports whether it has come to the end of the
// pass, not to the limit or a shutdown.
func (f *feed) scan() (whole bool, err error) {
	o, byRow := f.plan()
	rows := f.db.Changes(f.r.Context(), o)
	if f.filter != nil && f.filter.function != nil {
		rows = f.chosen(rows)
	}
	for c, err := range rows {
		switch {
		case err != nil:
			return false, err
		case c.Seq > f.newest && !o.Descending:
			return true, nil
		case f.o.kind.live() && f.draining():
			return false, nil
		}
		more, err := f.take(&c, byRow)
		if err != nil || !more {
			return false, err
		}
	}
	return true, nil
}

// take shows a row or leaves it out, and reports whether to read on.
//
// Behind the limit a feed whose filter reads documents reads one more row, and where
// that is left out ends there. That is CouchDB's `last_seq`.
func (f *feed) take(c *couch.Change, byRow bool) (more bool, err error) {
	passes := true
	switch {
	case f.filter != nil && f.filter.selection != nil:
		passes, err = f.choose(c)
	case f.filter != nil && f.filter.function != nil:
		passes = len(c.Revs) > 0
	case byRow:
		passes = f.filter.matchesID(c.ID)
		if passes && f.o.changes.IncludeDocs {
			c.Doc, err = f.read(c.ID, c.Revs[0])
		}
	}
	switch {
	case err != nil:
		return false, err
	case !passes:
		return f.left != 0, f.skip(c)
	case f.left == 0:
		return false, nil
	}
	if err := f.show(c); err != nil {
		return false, err
	}
	return f.left != 0 || f.filter != nil && f.filter.reads(), nil
}

// plan says which rows to read. byRow says that the filter is still to be asked
// about each of them: where it names more documents than there are rows, when
// their documents are to be read then, or does not name them.
func (f *feed) plan() (o couch.ChangesOptions, byRow bool) {
	o = f.o.changes
	o.Since = f.from()
	if f.filter != nil && f.filter.reads() {
		o.IncludeDocs = true
		if f.filter.function != nil {
			o.Doc.Revs, o.Doc.Conflicts = true, true
		}
		return o, true
	}
	if f.filter != nil && (f.filter.design || f.filter.events || int64(len(f.filter.ids)) > f.pending) {
		o.IncludeDocs = false
		return o, true
	}
	if f.filter != nil {
		o.DocIDs = f.filter.ids
	}
	if f.left > 0 && f.left < noLimit {
		o.Limit = int(f.left)
	}
	return o, false
}

// read returns a revision of a row's document; nil where it is not stored any more.
func (f *feed) read(id couch.DocID, rev couch.RevID) (*couch.Document, error) {
	return f.readWith(id, rev, f.o.changes.Doc)
}

func (f *feed) readWith(id couch.DocID, rev couch.RevID, get couch.GetOptions) (*couch.Document, error) {
	get.Rev = rev
	doc, err := f.db.Get(f.r.Context(), id, get)
	if errors.Is(err, couch.ErrNotFound) {
		return nil, nil
	}
	return doc, err
}
