package storage

import (
	"context"
	"encoding/binary"
	"iter"
	"math"

	"settle/storage/couch"
	"settle/storage/crypt"
	"settle/storage/kv"
)

// A local document's row is its revision (8 bytes, big-endian) and the text,
// sealed under its id.

func (db *Database) sealLocal(d *couch.LocalDocument) []byte {
	plain := append(binary.BigEndian.AppendUint64(nil, d.Rev), d.Body.Text...)
	return db.key.Seal(crypt.PurposeLocal, plain, []byte(d.ID))
}

func (db *Database) openLocal(id couch.DocID, sealed []byte) (*couch.LocalDocument, error) {
	plain, err := db.key.Open(crypt.PurposeLocal, sealed, math.MaxInt32, []byte(id))
	if err != nil {
		return nil, err
	}
	if len(plain) < 10 {
		return nil, corrupt("local document")
	}
	return &couch.LocalDocument{ID: id, Rev: binary.BigEndian.Uint64(plain), Body: couch.Body{Text: plain[8:]}}, nil
}

// GetLocal reads a local document. The error is ErrNotFound.
func (db *Database) GetLocal(ctx context.Context, id couch.DocID) (*couch.LocalDocument, error) {
	var doc *couch.LocalDocument
	err := db.view(ctx, func(r kv.Reader, _ *meta) error {
		sealed, err := getOne(ctx, r, localKey(id))
		if err != nil {
			return err
		}
		if sealed == nil {
			return couch.ErrNotFound
		}
		doc, err = db.openLocal(id, sealed)
		return err
	})
	return doc, err
}

// PutLocal stores a local document, whatever was there: there are no conflicts.
// The new revision, which it returns, is the given one plus one.
func (db *Database) PutLocal(ctx context.Context, d *couch.LocalDocument) (uint64, error) {
	stored := *d
	stored.Rev++
	sealed := db.sealLocal(&stored)
	err := db.update(ctx, func(tx kv.Tx, _ *meta) error {
		tx.Set(localKey(d.ID), sealed)
		return nil
	})
	return stored.Rev, err
}

// DeleteLocal removes a local document. The error is ErrNotFound.
func (db *Database) DeleteLocal(ctx context.Context, id couch.DocID) error {
	return db.update(ctx, func(tx kv.Tx, _ *meta) error {
		row, err := getOne(ctx, tx, localKey(id))
		if err != nil {
			return err
		}
		if row == nil {
			return couch.ErrNotFound
		}
		tx.Delete(localKey(id))
		return nil
	})
}

// LocalDocs yields the local documents of a range of ids, in the order of the
// ids' bytes. Of the options IncludeDocs and Doc do not count.
func (db *Database) LocalDocs(ctx context.Context, o couch.AllDocsOptions) iter.Seq2[*couch.LocalDocument, error] {
	r := idRange{exclusiveEnd: o.ExclusiveEnd, start: (*string)(o.Start), end: (*string)(o.End)}.keys(keyLocal, o.Descending)
	return func(yield func(*couch.LocalDocument, error) bool) {
		skip, left := o.Skip, o.Limit
		if left == 0 {
			return
		}
		for row, err := range pages(ctx, db.reader, r) {
			if skip > 0 && err == nil {
				skip--
				continue
			}
			var doc *couch.LocalDocument
			if err == nil {
				doc, err = db.openLocal(couch.DocID(row.Key[1:]), row.Value)
			}
			if !yield(doc, domainError(err)) || err != nil {
				return
			}
			if left--; left == 0 {
				return
			}
		}
	}
}
