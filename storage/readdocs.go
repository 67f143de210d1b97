package storage

import (
	"context"
	"errors"

	"settle/storage/couch"
	"settle/storage/kv"
	"settle/storage/schema"
)

// docAsk names one revision of a document.
type docAsk struct {
	id  couch.DocID
	rev couch.RevID
}

// readDocs reads many documents in one View, with two reads of the engine in
// all. An answer is nil where the revision is not stored any more.
func (db *Database) readDocs(ctx context.Context, asks []docAsk, o couch.GetOptions) ([]*couch.Document, error) {
	var docs []*couch.Document
	err := db.view(ctx, func(r kv.Reader, _ *schema.Meta) error {
		docs = make([]*couch.Document, len(asks))
		keys := make([][]byte, 0, 2*len(asks))
		for _, ask := range asks {
			keys = append(keys, schema.DocKey(ask.id), schema.BodyKey(ask.id, ask.rev))
		}
		rows, err := r.GetMulti(ctx, keys...)
		if err != nil {
			return err
		}
		for i, ask := range asks {
			if rows[2*i] == nil {
				continue
			}
			row, err := schema.DecodeDocRow(rows[2*i])
			if err != nil {
				return err
			}
			docs[i], err = db.assemble(ask, row, rows[2*i+1], o)
			if err != nil && !errors.Is(err, couch.ErrNotFound) {
				return err
			}
		}
		return nil
	})
	return docs, err
}
