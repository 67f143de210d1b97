package storage

import (
	"context"
	"errors"
	"iter"
	"slices"

	"settle/storage/couch"
	"settle/storage/kv"
	"settle/storage/schema"
	"settle/storage/seqs"
)

// docAsk names one revision of a document.
type docAsk struct {
	id  couch.DocID
	rev couch.RevID
}

// bodiesPerView bounds the bodies that one View reads, in bytes; a larger one
// comes alone.
const bodiesPerView = 4 << 20

// rowsPerView bounds the by-id rows, which hold trees, that one read asks for.
const rowsPerView = 100

// join adds documents to rows of type T.
type join[T any] struct {
	db  *Database
	o   couch.GetOptions
	ask func(T) (ask docAsk, ok bool) // not ok: the row has no document
	set func(*T, *couch.Document)
}

// rows yields the rows of seq with their documents.
func (j join[T]) rows(ctx context.Context, seq iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for page, err := range seqs.Batched(seq, rowsPerView) {
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			if !j.page(ctx, page, yield) {
				return
			}
		}
	}
}

// page yields the rows of one page, whose documents it reads in portions. It
// reports whether the receiver wants more.
func (j join[T]) page(ctx context.Context, page []T, yield func(T, error) bool) bool {
	var asks []docAsk
	for _, row := range page {
		if ask, ok := j.ask(row); ok {
			asks = append(asks, ask)
		}
	}
	var docs []*couch.Document
	for _, row := range page {
		if _, ok := j.ask(row); ok {
			if len(docs) == 0 {
				var err error
				if docs, err = j.db.readDocs(ctx, asks, j.o); err != nil {
					yield(row, err)
					return false
				}
				asks = asks[len(docs):]
			}
			j.set(&row, docs[0])
			docs = docs[1:]
		}
		if !yield(row, nil) {
			return false
		}
	}
	return true
}

// readDocs reads documents in one View, as many from the front of asks as fit.
func (db *Database) readDocs(ctx context.Context, asks []docAsk, o couch.GetOptions) ([]*couch.Document, error) {
	var docs []*couch.Document
	err := db.view(ctx, func(r kv.Reader, _ *schema.Meta) error {
		rows, err := readFitting(ctx, r, asks)
		if err != nil {
			return err
		}
		docs, err = db.readBodies(ctx, r, asks[:len(rows)], rows, o)
		return err
	})
	return docs, err
}

// readBodies makes documents of their by-id rows. One is nil where there is no row, or no
// body is stored.
func (db *Database) readBodies(ctx context.Context, r kv.Reader, asks []docAsk, rows []*schema.DocRow, o couch.GetOptions) ([]*couch.Document, error) {
	docs := make([]*couch.Document, len(rows))
	keys := make([][]byte, len(rows))
	for i, ask := range asks {
		keys[i] = schema.BodyKey(ask.id, ask.rev)
	}
	bodies, err := r.GetMulti(ctx, keys...)
	if err != nil {
		return nil, err
	}
	for i, row := range rows {
		if row == nil {
			continue
		}
		docs[i], err = db.assemble(asks[i], row, bodies[i], o)
		if err != nil && !errors.Is(err, couch.ErrNotFound) {
			return nil, err
		}
	}
	return docs, nil
}

// readFitting reads the by-id rows of as many documents as have bodies that fit
// into one View, at least of one. A row is nil where there is no document.
func readFitting(ctx context.Context, r kv.Reader, asks []docAsk) ([]*schema.DocRow, error) {
	var rows []*schema.DocRow
	size := int64(0)
	for page := range slices.Chunk(asks, rowsPerView) {
		ids := make([]couch.DocID, len(page))
		for i, ask := range page {
			ids[i] = ask.id
		}
		values, err := r.GetMulti(ctx, schema.DocKeys(ids)...)
		if err != nil {
			return nil, err
		}
		for i, value := range values {
			var row *schema.DocRow
			if value != nil {
				if row, err = schema.DecodeDocRow(value); err != nil {
					return nil, err
				}
				node, _ := row.Tree.Get(page[i].rev)
				size += node.Size
			}
			if size > bodiesPerView && len(rows) > 0 {
				return rows, nil
			}
			rows = append(rows, row)
		}
	}
	return rows, nil
}
