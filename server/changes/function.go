package changes

import (
	"context"
	"iter"
	"slices"
	"time"

	"settle/storage/couch"
	"settle/storage/design"
	"settle/storage/docjson"
)

// function lets revisions pass that a function of a design document says so of: for
// each of some documents, JSON texts, whether it passes. Errors are *design.Errors, or
// the context's.
type function func(ctx context.Context, docs [][]byte) ([]bool, error)

// What one call of a function is asked about: so many documents, or as many as have
// texts of so many bytes.
const (
	batchDocs = 100
	batchText = 1 << 20
)

// chosen yields rows with those of their revisions that the feed's function lets pass.
// Behind the pass's end nothing is asked about.
func (f *feed) chosen(rows iter.Seq2[couch.Change, error]) iter.Seq2[couch.Change, error] {
	return func(yield func(couch.Change, error) bool) {
		b := batch{feed: f}
		for c, err := range rows {
			if err == nil && (c.Seq <= f.newest || f.o.changes.Descending) {
				if err = b.add(c); err == nil && !b.full() {
					continue
				}
			}
			if !b.yield(yield) {
				return
			}
			if err != nil || c.Seq > f.newest && !f.o.changes.Descending {
				yield(c, err)
				return
			}
		}
		b.yield(yield)
	}
}

// batch is rows on their way through a function, with the texts of their revisions'
// documents, in order.
type batch struct {
	feed *feed
	rows []couch.Change
	asks []ask
	docs [][]byte
	size int
}

// ask says which revision of which row a text is of.
type ask struct {
	row int
	rev couch.RevID
}

func (b *batch) full() bool { return len(b.docs) >= batchDocs || b.size >= batchText }

// add adds a row. A revision that is not stored any more does not pass.
func (b *batch) add(c couch.Change) error {
	for i, rev := range c.Revs {
		doc := c.Doc
		if i > 0 {
			var err error
			if doc, err = b.feed.readShown(c.ID, rev); err != nil {
				return err
			}
		}
		if doc == nil {
			continue
		}
		text := shownText(doc)
		b.asks, b.docs = append(b.asks, ask{len(b.rows), rev}), append(b.docs, text)
		b.size += len(text)
	}
	if c.Doc != nil && !b.feed.o.changes.Doc.Conflicts {
		c.Doc.Conflicts = nil // which only the function sees
	}
	if !b.feed.o.changes.IncludeDocs {
		c.Doc = nil
	}
	b.rows = append(b.rows, c)
	return nil
}

// shownText is a document as a function sees it.
func shownText(d *couch.Document) []byte {
	bare := *design.Shown(d)
	bare.Form = nil
	return docjson.AppendDocument(nil, &bare, docjson.Print{Revs: true})
}

// readShown reads a revision that a function is to see; nil where it is not stored any
// more.
func (f *feed) readShown(id couch.DocID, rev couch.RevID) (*couch.Document, error) {
	return f.readWith(id, rev, couch.GetOptions{Revs: true, Conflicts: true})
}

// yield asks the function, and yields the rows. It reports whether to go on.
func (b *batch) yield(yield func(couch.Change, error) bool) bool {
	if len(b.rows) == 0 {
		return true
	}
	pass, err := b.feed.ask(b.docs)
	if err != nil {
		yield(couch.Change{}, err)
		return false
	}
	for i := range b.rows {
		b.rows[i].Revs = nil
	}
	for i, a := range b.asks {
		if pass[i] {
			row := &b.rows[a.row]
			row.Revs = append(slices.Clip(row.Revs), a.rev)
		}
	}
	for _, c := range b.rows {
		if !yield(c, nil) {
			return false
		}
	}
	b.rows, b.asks, b.docs, b.size = b.rows[:0], b.asks[:0], b.docs[:0], 0
	return true
}

// ask asks the function about documents. Meanwhile the client hears what it is to hear
// while nothing comes.
func (f *feed) ask(docs [][]byte) ([]bool, error) {
	if len(docs) == 0 {
		return nil, nil
	}
	ctx, cancel := context.WithCancel(f.r.Context())
	defer cancel()
	if f.o.heartbeat == 0 {
		return f.filter.function(ctx, docs)
	}
	var pass []bool
	answered := make(chan error, 1)
	go func() {
		var err error
		pass, err = f.filter.function(ctx, docs)
		answered <- err
	}()
	for {
		timer := time.NewTimer(time.Until(f.out.quiet.Add(f.o.heartbeat)))
		select {
		case err := <-answered:
			timer.Stop()
			return pass, err
		case <-timer.C:
		}
		if err := f.out.beat(); err != nil {
			cancel()
			<-answered
			return nil, err
		}
	}
}
