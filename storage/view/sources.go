package view

import (
	"context"
	"iter"

	"settle/storage/couch"
)

// docOptions are how documents come to map functions.
func (u *updater) docOptions() couch.GetOptions {
	return couch.GetOptions{Conflicts: true, DeletedConflicts: true, LocalSeq: u.ix.definition.LocalSeq}
}

// all yields the documents that are still to be loaded, in the order of their ids: what
// lies together on the disk is read together, and so it is with what the index remembers
// of them. No change moves a document to another place there.
func (u *updater) all(ctx context.Context) iter.Seq2[couch.Change, error] {
	first := u.head.Load.After + "\x00"
	o := couch.AllDocsOptions{Start: &first, Limit: -1, IncludeDocs: true, Doc: u.docOptions()}
	return func(yield func(couch.Change, error) bool) {
		for row, err := range u.ix.db.AllDocs(ctx, o) {
			if !yield(couch.Change{ID: row.ID, Doc: row.Doc}, err) || err != nil {
				return
			}
		}
	}
}

// maxRounds is how often a run goes on behind the sequence that it led to, where
// writers keep on moving documents in front of it.
const maxRounds = 10

// feed yields the changes up to the sequence that the run leads to, and on to the end of
// the feed: a document that changes while the feed is read leaves its place in it, and
// would be missing if the feed were not read up to its new one.
func (u *updater) feed(ctx context.Context) iter.Seq2[couch.Change, error] {
	o := couch.ChangesOptions{Since: u.head.Seq, IncludeDocs: true, Doc: u.docOptions()}
	o.Doc.Deleted = true
	return func(yield func(couch.Change, error) bool) {
		end, rounds := u.info.UpdateSeq, 0
		for change, err := range u.ix.db.Changes(ctx, o) {
			if err == nil && change.Seq > end {
				if end, err = u.furtherEnd(ctx, end, &rounds); end < change.Seq && err == nil {
					return
				}
			}
			if !yield(change, err) || err != nil {
				return
			}
		}
	}
}

// furtherEnd returns up to where to read when end has been reached.
func (u *updater) furtherEnd(ctx context.Context, end couch.Seq, rounds *int) (couch.Seq, error) {
	if *rounds++; *rounds > maxRounds {
		return end, nil
	}
	info, err := u.ix.db.Info(ctx)
	return info.UpdateSeq, err
}
