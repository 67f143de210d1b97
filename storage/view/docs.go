package view

import (
	"context"
	"errors"
	"iter"

	"settle/storage/collate/jsonscan"
	"settle/storage/couch"
)

// docsAtOnce is of how many rows the documents are looked up together.
const docsAtOnce = 100

// withDocs adds to rows the documents that they are of, or that their values link to
// by `_id`, in the winning revision or that of the value's `_rev`. No document is held
// longer than its row is looked at.
func withDocs(ctx context.Context, q *Query, rows iter.Seq2[Row, error]) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		var page []Row
		for row, err := range rows {
			if err != nil {
				if yieldDocs(ctx, q, page, yield) {
					yield(Row{}, err)
				}
				return
			}
			if page = append(page, row); len(page) < docsAtOnce {
				continue
			}
			if !yieldDocs(ctx, q, page, yield) {
				return
			}
			page = page[:0]
		}
		yieldDocs(ctx, q, page, yield)
	}
}

// link is where a row's document is.
type link struct {
	id     couch.DocID // empty: nowhere
	rev    string      // empty: the winner
	linked bool        // by `_id`: as in CouchDB the query's options for documents do not count
}

func linkOf(row Row) link {
	l := link{id: row.ID}
	if jsonscan.KindOf(row.Value) != jsonscan.Object {
		return l
	}
	if jsonscan.Member(row.Value, "_id") != nil {
		text, _ := stringAt(row.Value, "_id")
		l.id, l.linked = couch.DocID(text), true
	}
	l.rev, _ = stringAt(row.Value, "_rev")
	return l
}

// yieldDocs yields rows as their documents are read, and reports whether to go on.
func yieldDocs(ctx context.Context, q *Query, page []Row, yield func(Row, error) bool) bool {
	own, stopOwn := winners(ctx, q, page, false)
	defer stopOwn()
	linked, stopLinked := winners(ctx, q, page, true)
	defer stopLinked()
	for _, row := range page {
		l, next := linkOf(row), own
		if l.linked {
			next = linked
		}
		var err error
		switch {
		case l.id == "":
		case l.rev != "":
			err = addRevision(ctx, q, &row, l)
		default:
			found, failed, ok := next()
			if row.Doc, err = found.Doc, failed; !ok {
				err = ctx.Err()
			}
		}
		if err != nil {
			yield(Row{}, err)
			return false
		}
		if !yield(row, nil) {
			return false
		}
	}
	return true
}

// winners reads the documents of those rows that are linked, or of those that are not,
// in their winning revisions.
func winners(ctx context.Context, q *Query, page []Row, linked bool) (next func() (couch.AllDocsRow, error, bool), stop func()) {
	var ids []couch.DocID
	for _, row := range page {
		if l := linkOf(row); l.linked == linked && l.id != "" && l.rev == "" {
			ids = append(ids, l.id)
		}
	}
	o := couch.AllDocsOptions{IncludeDocs: true, Doc: q.Doc}
	if linked {
		o.Doc = couch.GetOptions{}
	}
	return iter.Pull2(q.Docs.AllDocsByID(ctx, ids, o))
}

// addRevision adds the document of a link to a revision; none where it is not there.
func addRevision(ctx context.Context, q *Query, row *Row, l link) error {
	rev, err := couch.ParseRev(l.rev)
	if err != nil {
		return nil
	}
	o := q.Doc
	if l.linked {
		o = couch.GetOptions{}
	}
	o.Rev = rev
	row.Doc, err = q.Docs.Get(ctx, l.id, o)
	if errors.Is(err, couch.ErrNotFound) || errors.Is(err, couch.ErrDeleted) {
		return nil
	}
	return err
}
