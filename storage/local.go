package storage

import (
	"context"
	"iter"

	"settle/storage/couch"
	"settle/storage/kv"
	"settle/storage/schema"
)

// GetLocal reads a local document. The error is ErrNotFound.
func (db *Database) GetLocal(ctx context.Context, id couch.DocID) (*couch.LocalDocument, error) {
	var doc *couch.LocalDocument
	err := db.view(ctx, func(r kv.Reader, _ *schema.Meta) error {
		sealed, err := kv.GetOne(ctx, r, schema.LocalKey(id))
		if err != nil {
			return err
		}
		if sealed == nil {
			return couch.ErrNotFound
		}
		doc, err = schema.OpenLocal(db.key, id, sealed)
		return err
	})
	return doc, err
}

// PutLocal stores a local document, whatever was there: there are no conflicts.
// The new revision, which it returns, is the given one plus one. The error is a
// DocumentTooLarge for a text that cannot be sealed whole.
func (db *Database) PutLocal(ctx context.Context, d *couch.LocalDocument) (uint64, error) {
	if len(d.Body.Text) > schema.MaxLocalText {
		return 0, couch.Errorf(couch.DocumentTooLarge, "%s", d.ID)
	}
	stored := *d
	stored.Rev++
	sealed := schema.SealLocal(db.key, &stored)
	err := db.update(ctx, func(tx kv.Tx, _ *schema.Meta) error {
		tx.Set(schema.LocalKey(d.ID), sealed)
		return nil
	})
	return stored.Rev, err
}

// DeleteLocal removes a local document. The error is ErrNotFound.
func (db *Database) DeleteLocal(ctx context.Context, id couch.DocID) error {
	return db.update(ctx, func(tx kv.Tx, _ *schema.Meta) error {
		row, err := kv.GetOne(ctx, tx, schema.LocalKey(id))
		if err != nil {
			return err
		}
		if row == nil {
			return couch.ErrNotFound
		}
		tx.Delete(schema.LocalKey(id))
		return nil
	})
}

// LocalDocs yields the local documents of a range of ids, in the order of the
// ids' bytes. Of the options IncludeDocs and Doc do not count.
func (db *Database) LocalDocs(ctx context.Context, o couch.AllDocsOptions) iter.Seq2[*couch.LocalDocument, error] {
	r := schema.IDRange{ExclusiveEnd: o.ExclusiveEnd, Start: (*string)(o.Start), End: (*string)(o.End)}.Keys(schema.KindLocal, o.Descending)
	return func(yield func(*couch.LocalDocument, error) bool) {
		skip, left := o.Skip, o.Limit
		if left == 0 {
			return
		}
		for row, err := range kv.Pages(ctx, db.reader, r) {
			if skip > 0 && err == nil {
				skip--
				continue
			}
			var doc *couch.LocalDocument
			if err == nil {
				doc, err = schema.OpenLocal(db.key, couch.DocID(row.Key[1:]), row.Value)
			}
			if !yield(doc, err) || err != nil {
				return
			}
			if left--; left == 0 {
				return
			}
		}
	}
}
