package storage

import (
	"context"
	"iter"

	"settle/storage/couch"
	"settle/storage/kv"
	"settle/storage/schema"
)

// liveDocs yields the rows that AllDocs is asked for with their documents. By-id rows and
// bodies have one order, so that both are read as they lie.
func (db *Database) liveDocs(ctx context.Context, o couch.AllDocsOptions) iter.Seq2[couch.AllDocsRow, error] {
	return func(yield func(couch.AllDocsRow, error) bool) {
		w := docWalk{db: db, o: o.Doc, in: docRange(o), skip: o.Skip, left: o.Limit}
		for !w.ended {
			docs, err := w.page(ctx)
			for _, d := range docs {
				if !yield(d, nil) {
					return
				}
			}
			if err != nil {
				yield(couch.AllDocsRow{}, err)
				return
			}
		}
	}
}

// docWalk goes through documents that are not deleted.
type docWalk struct {
	db         *Database
	o          couch.GetOptions
	in         kv.Range
	last       []byte // the row that it has reached
	skip, left int
	ended      bool
}

// page reads the next documents, in one View.
func (w *docWalk) page(ctx context.Context) (page []couch.AllDocsRow, err error) {
	next := *w
	err = w.db.view(ctx, func(r kv.Reader, _ *schema.Meta) error {
		next = *w
		asks, rows, err := next.rows(ctx, r)
		if err != nil {
			return err
		}
		docs, err := w.db.readBodies(ctx, r, asks, rows, w.o)
		page = make([]couch.AllDocsRow, len(docs))
		for i, doc := range docs {
			page[i] = couch.AllDocsRow{ID: asks[i].id, Rev: asks[i].rev, Doc: doc}
		}
		return err
	})
	*w = next
	return page, err
}

// rows reads the by-id rows of as many documents as have bodies that fit into one View,
// at least of one, and looks at no more than a page of rows.
func (w *docWalk) rows(ctx context.Context, r kv.Reader) (asks []docAsk, rows []*schema.DocRow, err error) {
	in := w.in
	if w.last != nil {
		in = in.Behind(w.last)
	}
	var last []byte
	seen, size := 0, int64(0)
	for row, err := range r.Scan(ctx, in) {
		if err != nil {
			return nil, nil, err
		}
		doc, err := w.choose(row.Value)
		if err != nil {
			return nil, nil, err
		}
		if doc != nil {
			node, _ := doc.Tree.Get(doc.Winner)
			if size += node.Size; size > bodiesPerView && len(asks) > 0 {
				return asks, rows, nil
			}
			asks, rows = append(asks, docAsk{couch.DocID(row.Key[1:]), doc.Winner}), append(rows, doc)
			w.left--
		}
		last = append(last[:0], row.Key...)
		w.last, w.ended = last, w.left == 0
		if seen++; seen == kv.PageRows || len(asks) == rowsPerView || w.ended {
			return asks, rows, nil
		}
	}
	w.ended = true
	return asks, rows, nil
}

// choose reads a by-id row; it is nil where the document is deleted or to be skipped.
func (w *docWalk) choose(row []byte) (*schema.DocRow, error) {
	head, _, err := schema.DecodeDocHead(row)
	switch {
	case err != nil || head.Deleted:
		return nil, err
	case w.skip > 0:
		w.skip--
		return nil, nil
	}
	return schema.DecodeDocRow(row)
}
