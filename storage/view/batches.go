package view

import (
	"context"
	"iter"
	"runtime"
	"slices"
	"strings"

	"settle/storage/collate"
	"settle/storage/couch"
	"settle/storage/docjson"
)

// batch is documents that are mapped and stored together.
type batch struct {
	ids  []couch.DocID
	docs [][]byte // JSON; nil for one that has no rows
	size int
	last couch.Seq // of the last change; 0: none

	rows   [][]viewRows // by document and view
	err    error
	mapped chan struct{} // closed when rows or err is set
}

// viewRows are a document's rows in a view, ascending by key.
type viewRows struct {
	stems  [][]byte
	values [][]byte // in their stored form
}

// A batch is full with so many documents, or bytes of them.
const (
	batchDocs  = 500
	batchBytes = 2 << 20
)

// batches yields the changes up to the sequence that the run leads to, and on to the
// end of the feed, mapped: a document that changes while the feed is read leaves its
// place in it, and would be missing if the feed were not read up to its new one. While
// one batch is stored others are read and mapped, one for each processor.
func (u *updater) batches(ctx context.Context) iter.Seq2[*batch, error] {
	return func(yield func(*batch, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		queue := make(chan *batch, runtime.GOMAXPROCS(0))
		go u.read(ctx, queue)
		defer func() {
			cancel()
			for b := range queue { // whoever maps is waited for
				<-b.mapped
			}
		}()
		for b := range queue {
			<-b.mapped
			if !yield(b, b.err) || b.err != nil {
				return
			}
		}
		if err := ctx.Err(); err != nil { // the feed was not read to its end
			yield(nil, err)
		}
	}
}

// read reads the changes, lets each batch be mapped in a goroutine of its own, and
// queues it.
func (u *updater) read(ctx context.Context, queue chan<- *batch) {
	defer close(queue)
	o := couch.ChangesOptions{Since: u.head.Seq, IncludeDocs: true}
	o.Doc = couch.GetOptions{Conflicts: true, DeletedConflicts: true, LocalSeq: u.ix.definition.LocalSeq, Deleted: true}
	end, rounds := u.info.UpdateSeq, 0
	b := newBatch()
	send := func() bool {
		full := b
		b = newBatch()
		go u.mapBatch(ctx, full)
		select {
		case queue <- full:
			return true
		case <-ctx.Done():
			<-full.mapped
			return false
		}
	}
	for change, err := range u.ix.db.Changes(ctx, o) {
		if err == nil && change.Seq > end {
			if end, err = u.furtherEnd(ctx, end, &rounds); end < change.Seq && err == nil {
				break
			}
		}
		if b.err = err; err == nil {
			u.ix.addChange(b, change)
		}
		if (err != nil || len(b.ids) >= batchDocs || b.size >= batchBytes) && !send() || err != nil {
			return
		}
	}
	if len(b.ids) > 0 {
		send()
	}
}

// maxRounds is how often a run goes on behind the sequence that it led to, where
// writers keep on moving documents in front of it.
const maxRounds = 10

// furtherEnd returns up to where to read when end has been reached.
func (u *updater) furtherEnd(ctx context.Context, end couch.Seq, rounds *int) (couch.Seq, error) {
	if *rounds++; *rounds > maxRounds {
		return end, nil
	}
	info, err := u.ix.db.Info(ctx)
	return info.UpdateSeq, err
}

func newBatch() *batch { return &batch{mapped: make(chan struct{})} }

// addChange adds a document as it is now. Design documents are mapped only where the
// definition wants them.
func (ix *Index) addChange(b *batch, change couch.Change) {
	b.last = change.Seq
	if change.ID.IsDesign() && !ix.definition.IncludeDesign {
		return
	}
	var doc []byte
	if change.Doc != nil && !change.Deleted {
		doc = docjson.AppendDocument(nil, change.Doc, docjson.Print{})
	}
	b.ids = append(b.ids, change.ID)
	b.docs = append(b.docs, doc)
	b.size += len(doc)
}

// mapBatch maps the documents of a batch, and makes the keys of their rows.
func (u *updater) mapBatch(ctx context.Context, b *batch) {
	defer close(b.mapped)
	if b.err != nil {
		return
	}
	var docs [][]byte
	for _, doc := range b.docs {
		if doc != nil {
			docs = append(docs, doc)
		}
	}
	var emitted [][][]Emitted
	if len(docs) > 0 {
		if emitted, b.err = u.maps.Map(ctx, docs); b.err != nil {
			return
		}
		if len(emitted) != len(docs) {
			b.err = couch.Errorf(couch.Internal, "%d documents were mapped instead of %d", len(emitted), len(docs))
			return
		}
	}
	b.rows = make([][]viewRows, len(b.ids))
	for i, doc := range b.docs {
		b.rows[i] = make([]viewRows, len(u.ix.definition.Views))
		if doc == nil {
			continue
		}
		for view := range min(len(emitted[0]), len(b.rows[i])) {
			b.rows[i][view] = u.ix.rowsOf(view, b.ids[i], emitted[0][view])
		}
		emitted = emitted[1:]
	}
	b.docs = nil
}

// rowsOf puts what a document has emitted in order: by key, then, as CouchDB has
// duplicates, by the emitted key and the value in raw order. What is no JSON, or
// nested too deeply to have a key, is left out.
func (ix *Index) rowsOf(view int, id couch.DocID, emitted []Emitted) viewRows {
	type row struct {
		stem []byte
		Emitted
	}
	rows := make([]row, 0, len(emitted))
	keys := ix.keys(view)
	for _, e := range emitted {
		if stem, err := keys.stem(id, []byte(e.Key)); err == nil {
			rows = append(rows, row{stem, e})
		}
	}
	slices.SortStableFunc(rows, func(a, b row) int {
		if c := strings.Compare(string(a.stem), string(b.stem)); c != 0 {
			return c
		}
		if c := collate.CompareRaw([]byte(a.Key), []byte(b.Key)); c != 0 {
			return c
		}
		return collate.CompareRaw([]byte(a.Value), []byte(b.Value))
	})
	var out viewRows
	for _, r := range rows {
		out.stems = append(out.stems, r.stem)
		out.values = append(out.values, encodeRow(len(r.stem), r.Emitted))
	}
	return out
}
