package view

import (
	"bytes"
	"context"
	"iter"
	"runtime"
	"slices"
	"sync"

	"settle/storage/collate"
	"settle/storage/couch"
	"settle/storage/docjson"
	"settle/storage/view/funcerr"
	"settle/storage/view/viewrow"
)

// batch is documents that are read together.
type batch struct {
	ids  []couch.DocID
	seqs []couch.Seq // of their changes; 0 where they are loaded
	docs [][]byte    // JSON; nil for one that has no rows
	size int
	last couch.Seq // of the last change
	err  error     // the source's

	parts chan *part // closed behind the last one
}

// part is documents of a batch that were mapped, in the order of the batch.
type part struct {
	ids  []couch.DocID
	rows [][]viewRows // by document and view
	last couch.Seq    // up to where the feed is mapped with them; 0: as before
	err  error
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

// source yields documents to be mapped as changes: with their newest revision.
type source func(ctx context.Context) iter.Seq2[couch.Change, error]

// mapped yields what a source has, mapped. While one batch is stored others are read and
// mapped, one for each processor.
func (u *updater) mapped(ctx context.Context, from source) iter.Seq2[*part, error] {
	return func(yield func(*part, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		queue := make(chan *batch, runtime.GOMAXPROCS(0))
		var mapping sync.WaitGroup
		var failed error // once the queue is closed
		mapping.Go(func() {
			defer close(queue)
			failed = u.read(ctx, from, queue, &mapping)
		})
		defer mapping.Wait()
		defer cancel()
		for b := range queue {
			for p := range b.parts {
				if !yield(p, p.err) || p.err != nil {
					return
				}
			}
			if ctx.Err() != nil { // parts of the batch may be missing
				break
			}
		}
		err := ctx.Err()
		if err == nil {
			err = failed
		}
		if err != nil { // the source was not read to its end
			yield(nil, err)
		}
	}
}

// read reads a source, lets each batch be mapped in a goroutine of its own, and queues
// it. The error is that of a panic; the source's is in its batch.
func (u *updater) read(ctx context.Context, from source, queue chan<- *batch, mapping *sync.WaitGroup) (err error) {
	defer u.ix.recover(&err)
	b := newBatch()
	send := func() bool {
		full := b
		b = newBatch()
		mapping.Go(func() { u.mapBatch(ctx, full) })
		select {
		case queue <- full:
			return true
		case <-ctx.Done():
			return false
		}
	}
	for change, err := range from(ctx) {
		if b.err = err; err == nil {
			u.ix.addChange(b, change)
		}
		if (err != nil || len(b.ids) >= batchDocs || b.size >= batchBytes) && !send() || err != nil {
			return nil
		}
	}
	if len(b.ids) > 0 {
		send()
	}
	return nil
}

func newBatch() *batch { return &batch{parts: make(chan *part)} }

// headBytes is what a document has beside its body, as a rule.
const headBytes = 128

// addChange adds a document as it is now. Design documents are mapped only where the
// definition wants them.
func (ix *Index) addChange(b *batch, change couch.Change) {
	b.last = change.Seq
	if change.ID.IsDesign() && !ix.definition.IncludeDesign {
		return
	}
	var doc []byte
	if change.Doc != nil && !change.Deleted {
		doc = docjson.AppendDocument(make([]byte, 0, len(change.Doc.Body.Text)+headBytes), change.Doc, docjson.Print{})
	}
	b.ids = append(b.ids, change.ID)
	b.seqs = append(b.seqs, change.Seq)
	b.docs = append(b.docs, doc)
	b.size += len(doc)
}

// mapBatch maps the documents of a batch, and hands them on a part at a time: the rows
// of no more than one are held.
func (u *updater) mapBatch(ctx context.Context, b *batch) {
	defer close(b.parts)
	for done := false; !done; {
		p, err := u.mapPart(ctx, b)
		if p.err = err; err == nil {
			n := len(p.ids)
			b.ids, b.seqs, b.docs = b.ids[n:], b.seqs[n:], b.docs[n:]
		}
		if done = err != nil || len(b.ids) == 0; done {
			p.last = b.last
		}
		select {
		case b.parts <- p:
		case <-ctx.Done():
			return
		}
	}
}

// mapPart maps documents of a batch, from the first on, and makes the keys of their
// rows.
func (u *updater) mapPart(ctx context.Context, b *batch) (p *part, err error) {
	p = new(part)
	defer u.ix.recover(&err)
	if b.err != nil {
		return p, b.err
	}
	docs := make([][]byte, 0, len(b.docs))
	for _, doc := range b.docs {
		if doc != nil {
			docs = append(docs, doc)
		}
	}
	var emitted [][][]Emitted
	if len(docs) > 0 {
		if emitted, err = u.maps.Map(ctx, docs); err != nil {
			return p, funcerr.Of(err)
		}
		if len(emitted) == 0 || len(emitted) > len(docs) {
			return p, couch.Errorf(couch.Internal, "%d documents were mapped instead of %d", len(emitted), len(docs))
		}
	}
	p.ids, p.rows = make([]couch.DocID, 0, len(b.ids)), make([][]viewRows, 0, len(b.ids))
	for i, doc := range b.docs {
		var views [][]Emitted
		if doc != nil {
			if len(emitted) == 0 {
				break
			}
			views, emitted = emitted[0], emitted[1:]
		}
		p.ids, p.last = append(p.ids, b.ids[i]), b.seqs[i]
		p.rows = append(p.rows, u.ix.rowsOfDoc(b.ids[i], views))
	}
	return p, nil
}

// What a document may emit: a key of so many bytes, JSON; keys that take so many bytes
// in the order of the index; and rows that take so many in all.
const (
	maxKey  = 1 << 20
	maxKeys = 4 << 20
	maxRows = 32 << 20
)

// perRow is what a row takes beside its document's id, its key and its value.
const perRow = 32

// rowsOfDoc returns a document's rows by view; one that emits too much has none, which
// is logged.
func (ix *Index) rowsOfDoc(id couch.DocID, views [][]Emitted) []viewRows {
	rows := make([]viewRows, len(ix.definition.Views))
	keys, all := 0, 0
	for view := range min(len(views), len(rows)) {
		for _, e := range views[view] {
			all += len(id) + len(e.Key) + len(e.Value) + perRow
			if len(e.Key) > maxKey || all > maxRows {
				return ix.refuse(rows)
			}
		}
		rows[view] = ix.rowsOf(view, id, views[view])
		for _, stem := range rows[view].stems {
			keys += len(stem)
			all += 2 * len(stem) // in the row and in what is remembered of the document
		}
		if keys > maxKeys || all > maxRows {
			return ix.refuse(rows)
		}
	}
	return rows
}

// refuse takes the rows of a document that emits too much away.
func (ix *Index) refuse(rows []viewRows) []viewRows {
	ix.indexes.log.Warn("a document emits too much for an index, and has no rows in it",
		"database", ix.db.Name(), "design", string(ix.name))
	clear(rows)
	return rows
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
	stems := make([]byte, 0, 32*len(emitted))
	for _, e := range emitted {
		if more, err := keys.AppendStem(stems, id, []byte(e.Key)); err == nil {
			rows = append(rows, row{more[len(stems):len(more):len(more)], e})
			stems = more
		}
	}
	slices.SortStableFunc(rows, func(a, b row) int {
		if c := bytes.Compare(a.stem, b.stem); c != 0 {
			return c
		}
		if c := collate.CompareRaw([]byte(a.Key), []byte(b.Key)); c != 0 {
			return c
		}
		return collate.CompareRaw([]byte(a.Value), []byte(b.Value))
	})
	out := viewRows{stems: make([][]byte, len(rows)), values: make([][]byte, len(rows))}
	for i, r := range rows {
		out.stems[i], out.values[i] = r.stem, viewrow.Encode(len(r.stem), r.Key, r.Value)
	}
	return out
}
