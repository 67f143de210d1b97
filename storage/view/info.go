package view

import (
	"context"

	"settle/storage/couch"
)

// Info describes an index, as a design document's `_info` does.
type Info struct {
	Signature      string
	Language       string
	UpdateSeq      couch.Seq
	PurgeSeq       uint64
	Pending        int64 // documents and changes that it has not read
	UpdaterRunning bool
	Waiting        int64 // callers of Update that it has not come back to
	Rows           int64 // of all views
	Bytes          int64 // of keys and values
}

// Info describes the index as it is. Errors are the database's.
func (ix *Index) Info(ctx context.Context) (Info, error) {
	info := Info{Signature: ix.signature, Language: ix.definition.Language}
	p, err := ix.partition(ctx)
	if err != nil {
		return info, err
	}
	h, err := ix.readHead(ctx, p)
	if err != nil {
		return info, err
	}
	now, err := ix.db.Info(ctx)
	if err != nil {
		return info, err
	}
	info.UpdateSeq, info.PurgeSeq, info.Bytes = h.Seq, h.PurgeSeq, h.Bytes
	info.UpdaterRunning, info.Waiting = ix.indexes.tasks.Has(p), ix.waiting.Load()
	for _, v := range h.Views {
		info.Rows += v.Rows
	}
	if h.Seq < now.UpdateSeq {
		info.Pending, err = ix.pending(ctx, h, now)
	}
	return info, err
}

// pending returns how many documents and changes an index has still to look at. While it
// is loaded deletions do not count, of which it does not hear.
func (ix *Index) pending(ctx context.Context, h *head, now couch.DatabaseInfo) (int64, error) {
	n, err := ix.db.PendingChanges(ctx, h.ahead())
	if h.Load != nil {
		n += max(0, now.DocCount-h.Load.Docs)
	}
	return n, err
}
