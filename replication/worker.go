package replication

import (
	"context"
	"errors"
	"iter"

	"settle/storage/couch"
)

// worker does one batch.
type worker struct {
	r       *Replication
	changes []Change
	counted bool // what is checked, and missing
}

// try asks for what is missing, and copies it. It may be called again: what was
// copied is missing no more.
func (w *worker) try(ctx context.Context) error {
	asks, checked := w.asks()
	diffs, err := w.r.Target.RevsDiff(ctx, asks)
	if err != nil {
		return err
	}
	missing := make([]Ask, 0, len(diffs))
	found := int64(0)
	for _, d := range diffs {
		missing = append(missing, Ask{ID: d.ID, Revs: d.Missing, Since: d.PossibleAncestors, Deferred: w.r.spec.Deferred})
		found += int64(len(d.Missing))
	}
	if !w.counted {
		w.counted = true
		w.r.count(Stats{MissingChecked: checked, MissingFound: found})
	}
	if len(missing) == 0 {
		return nil
	}
	return w.copy(ctx, missing)
}

// asks are the revisions of the batch, of each document once.
func (w *worker) asks() (asks []couch.RevsAsk, revs int64) {
	places := make(map[couch.DocID]int, len(w.changes))
	for _, change := range w.changes {
		place, ok := places[change.ID]
		if !ok {
			place = len(asks)
			places[change.ID] = place
			asks = append(asks, couch.RevsAsk{ID: change.ID})
		}
		revs += int64(len(change.Revs))
		asks[place].Revs = append(asks[place].Revs, change.Revs...)
	}
	return asks, revs
}

// copy fetches revisions and writes them. A document with which the target refuses the
// whole batch is found by copying each alone.
func (w *worker) copy(ctx context.Context, asks []Ask) error {
	err := w.transfer(ctx, asks)
	if errors.Is(err, couch.ErrMissingStub) && hasSince(asks) {
		whole := make([]Ask, len(asks))
		for i, ask := range asks {
			whole[i] = Ask{ID: ask.ID, Revs: ask.Revs, Deferred: ask.Deferred}
		}
		return w.copy(ctx, whole)
	}
	if !IsRefusal(err) {
		return err
	}
	if len(asks) == 1 && len(asks[0].Revs) == 1 {
		w.r.count(Stats{DocsRead: 1, DocWriteFailures: 1})
		return nil
	}
	for _, ask := range asks {
		for _, rev := range ask.Revs {
			if err := w.copy(ctx, []Ask{{ID: ask.ID, Revs: []couch.RevID{rev}, Since: ask.Since, Deferred: ask.Deferred}}); err != nil {
				return err
			}
		}
	}
	return nil
}

func hasSince(asks []Ask) bool {
	for _, ask := range asks {
		if len(ask.Since) > 0 {
			return true
		}
	}
	return false
}

// transfer fetches revisions and writes them as they come.
func (w *worker) transfer(ctx context.Context, asks []Ask) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var refused, attempts, bulk int64
	results, err := w.r.Target.Write(ctx, func(yield func(*Revision, error) bool) {
		for rev, err := range w.fetched(ctx, asks) {
			if err == nil && rev.Refused != nil {
				refused++
				continue
			}
			if err == nil && rev.Doc == nil {
				continue
			}
			if err == nil && !rev.Doc.ID.IsDesign() {
				attempts++
				if rev.ByBulk {
					bulk++
				}
			}
			if !yield(rev, err) || err != nil {
				return
			}
		}
	})
	s := Stats{DocsRead: int64(len(results)) + refused, DocWriteFailures: refused}
	for _, result := range results {
		if result.Err != nil {
			s.DocWriteFailures++
		} else {
			s.DocsWritten++
		}
	}
	if err == nil {
		s.BulkGetAttempts, s.BulkGetDocs = attempts, bulk
	}
	if err == nil || !IsRefusal(err) {
		w.r.count(s)
	}
	return err
}

// fetched yields what the source has. Whatever goes wrong there says nothing about
// what the target thinks of a document.
func (w *worker) fetched(ctx context.Context, asks []Ask) iter.Seq2[*Revision, error] {
	return func(yield func(*Revision, error) bool) {
		for rev, err := range w.r.Source.Fetch(ctx, asks) {
			if _, ok := errors.AsType[*Error](err); err != nil && !ok {
				err = &Error{Kind: Failed, Reason: "the source could not be read", Err: err}
			}
			if !yield(rev, err) {
				return
			}
		}
	}
}
