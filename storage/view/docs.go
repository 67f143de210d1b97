package view

import (
	"context"
	"errors"
	"iter"

	"settle/storage/collate/jsonscan"
	"settle/storage/couch"
)

// docsAtOnce is how many rows are read ahead to read their documents together.
const docsAtOnce = 100

// withDocs adds to rows the documents that they are of, or that their values link to
// by `_id`, in the winning revision or that of the value's `_rev`.
func withDocs(ctx context.Context, q *Query, rows iter.Seq2[Row, error]) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		var page []Row
		flush := func() bool {
			err := addDocs(ctx, q, page)
			for _, row := range page {
				if err != nil {
					yield(Row{}, err)
					return false
				}
				if !yield(row, nil) {
					return false
				}
			}
			page = page[:0]
			return true
		}
		for row, err := range rows {
			if err != nil {
				if flush() {
					yield(Row{}, err)
				}
				return
			}
			if page = append(page, row); len(page) == docsAtOnce && !flush() {
				return
			}
		}
		flush()
	}
}

// link is where a row's document is.
type link struct {
	id  couch.DocID // empty: nowhere
	rev string      // empty: the winner
}

func linkOf(row Row) link {
	l := link{id: row.ID}
	if jsonscan.KindOf(row.Value) != jsonscan.Object {
		return l
	}
	if id := jsonscan.Member(row.Value, "_id"); id != nil {
		text, _ := stringAt(row.Value, "_id")
		l.id = couch.DocID(text)
	}
	l.rev, _ = stringAt(row.Value, "_rev")
	return l
}

func addDocs(ctx context.Context, q *Query, page []Row) error {
	var ids []couch.DocID
	var at []int
	for i, row := range page {
		l := linkOf(row)
		switch {
		case l.id == "":
		case l.rev != "":
			if err := addRevision(ctx, q, &page[i], l); err != nil {
				return err
			}
		default:
			ids, at = append(ids, l.id), append(at, i)
		}
	}
	n := 0
	for found, err := range q.Docs.AllDocsByID(ctx, ids, couch.AllDocsOptions{IncludeDocs: true, Doc: q.Doc}) {
		if err != nil {
			return err
		}
		page[at[n]].Doc = found.Doc
		n++
	}
	return nil
}

// addRevision adds the document of a link to a revision; none where it is not there.
func addRevision(ctx context.Context, q *Query, row *Row, l link) error {
	rev, err := couch.ParseRev(l.rev)
	if err != nil {
		return nil
	}
	o := q.Doc
	o.Rev = rev
	row.Doc, err = q.Docs.Get(ctx, l.id, o)
	if errors.Is(err, couch.ErrNotFound) || errors.Is(err, couch.ErrDeleted) {
		return nil
	}
	return err
}
