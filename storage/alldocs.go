package storage

import (
	"context"
	"iter"
	"slices"

	"settle/storage/couch"
	"settle/storage/kv"
	"settle/storage/schema"
)

// AllDocs yields the documents of a range of ids that are not deleted, in the
// order of the ids' bytes. It reads in pages and holds nothing between two.
func (db *Database) AllDocs(ctx context.Context, o couch.AllDocsOptions) iter.Seq2[couch.AllDocsRow, error] {
	if o.Limit == 0 {
		return func(func(couch.AllDocsRow, error) bool) {}
	}
	if o.IncludeDocs {
		return db.liveDocs(ctx, o)
	}
	return db.liveRows(ctx, o)
}

// liveRows yields the rows that AllDocs is asked for, without documents.
func (db *Database) liveRows(ctx context.Context, o couch.AllDocsOptions) iter.Seq2[couch.AllDocsRow, error] {
	return func(yield func(couch.AllDocsRow, error) bool) {
		skip, left := o.Skip, o.Limit
		for kvRow, err := range kv.Pages(ctx, db.reader, docRange(o)) {
			var head *schema.DocRow
			if err == nil {
				head, _, err = schema.DecodeDocHead(kvRow.Value)
			}
			switch {
			case err != nil:
				yield(couch.AllDocsRow{}, err)
				return
			case head.Deleted:
				continue
			case skip > 0:
				skip--
				continue
			}
			if !yield(couch.AllDocsRow{ID: couch.DocID(kvRow.Key[1:]), Rev: head.Winner}, nil) {
				return
			}
			if left--; left == 0 {
				return
			}
		}
	}
}

func docRange(o couch.AllDocsOptions) kv.Range {
	r := schema.IDRange{ExclusiveEnd: o.ExclusiveEnd, Start: (*string)(o.Start), End: (*string)(o.End)}
	return r.Keys(schema.KindDoc, o.Descending)
}

// withDocs adds to rows the documents that the options ask for.
func (db *Database) withDocs(ctx context.Context, rows iter.Seq2[couch.AllDocsRow, error], o couch.AllDocsOptions) iter.Seq2[couch.AllDocsRow, error] {
	if !o.IncludeDocs {
		return rows
	}
	return join[couch.AllDocsRow]{
		db: db, o: o.Doc,
		ask: func(row couch.AllDocsRow) (docAsk, bool) {
			return docAsk{row.ID, row.Rev}, !row.Rev.IsZero() && !row.Deleted
		},
		set: func(row *couch.AllDocsRow, d *couch.Document) { row.Doc = d },
	}.rows(ctx, rows)
}

// AllDocsByID yields one row for each id, in their order. A deleted document has
// a row that says so; an id that no document ever had has one without Rev. Of
// the options only IncludeDocs and Doc count.
func (db *Database) AllDocsByID(ctx context.Context, ids []couch.DocID, o couch.AllDocsOptions) iter.Seq2[couch.AllDocsRow, error] {
	rows := func(yield func(couch.AllDocsRow, error) bool) {
		for page := range slices.Chunk(ids, rowsPerView) {
			found, err := db.winners(ctx, page)
			if err != nil {
				yield(couch.AllDocsRow{}, err)
				return
			}
			for _, row := range found {
				if !yield(row, nil) {
					return
				}
			}
		}
	}
	return db.withDocs(ctx, rows, o)
}

func (db *Database) winners(ctx context.Context, ids []couch.DocID) ([]couch.AllDocsRow, error) {
	var out []couch.AllDocsRow
	err := db.view(ctx, func(r kv.Reader, _ *schema.Meta) error {
		out = make([]couch.AllDocsRow, len(ids))
		rows, err := r.GetMulti(ctx, schema.DocKeys(ids)...)
		if err != nil {
			return err
		}
		for i, row := range rows {
			out[i].ID = ids[i]
			if row == nil {
				continue
			}
			head, _, err := schema.DecodeDocHead(row)
			if err != nil {
				return err
			}
			out[i].Rev, out[i].Deleted = head.Winner, head.Deleted
		}
		return nil
	})
	return out, err
}

// AllDocsOffset returns how many documents that are not deleted lie in front of
// the range, in its order of reading.
func (db *Database) AllDocsOffset(ctx context.Context, o couch.AllDocsOptions) (int64, error) {
	if o.Start == nil {
		return 0, nil
	}
	before := couch.AllDocsOptions{Descending: o.Descending, End: o.Start, ExclusiveEnd: true, Limit: -1}
	var n int64
	for _, err := range db.liveRows(ctx, before) {
		if err != nil {
			return 0, err
		}
		n++
	}
	return n, nil
}
