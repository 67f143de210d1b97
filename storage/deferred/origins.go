package deferred

import (
	"context"
	"errors"

	"settle/storage/couch"
	"settle/storage/kv"
	"settle/storage/schema"
)

// PutOrigin stores, or replaces, how an origin is reached, and as whom, sealed. It returns
// the row, which comes along with the contents that stay there.
func PutOrigin(ctx context.Context, db *DB, id couch.OriginID, text []byte) (row []byte, err error) {
	if len(text) > schema.MaxOrigin {
		return nil, couch.Errorf(couch.RequestTooLarge, "The description of an origin is too long.")
	}
	row = schema.SealOrigin(db.Key, id, text)
	return row, db.Update(ctx, func(tx kv.Tx, _ *schema.Meta) error {
		tx.Set(schema.OriginKey(id), row)
		return nil
	})
}

// errChanged says that documents were written since origins were looked at.
var errChanged = errors.New("deferred: documents have changed")

// DropOrigins removes the origins of which no content is left. Where documents are written
// all the time that may be left to the next call.
func DropOrigins(ctx context.Context, db *DB) error {
	const tries = 3
	for range tries {
		unused, seq, err := unusedOrigins(ctx, db)
		if err != nil || len(unused) == 0 {
			return err
		}
		err = db.Update(ctx, func(tx kv.Tx, m *schema.Meta) error {
			if m.UpdateSeq != seq {
				return errChanged
			}
			for id := range unused {
				tx.Delete(schema.OriginKey(id))
			}
			return nil
		}, kv.Freeing)
		if !errors.Is(err, errChanged) {
			return err
		}
	}
	return nil
}

// unusedOrigins returns the origins of which there is no content, as it is at a sequence.
func unusedOrigins(ctx context.Context, db *DB) (unused map[couch.OriginID]bool, seq couch.Seq, err error) {
	unused = make(map[couch.OriginID]bool)
	err = db.View(ctx, func(r kv.Reader, m *schema.Meta) error {
		seq = m.UpdateSeq
		for row, err := range r.Scan(ctx, schema.All(schema.KindOrigin)) {
			if err != nil {
				return err
			}
			if id, ok := schema.ParseOriginKey(row.Key); ok {
				unused[id] = true
			}
		}
		return nil
	})
	if err != nil || len(unused) == 0 {
		return nil, seq, err
	}
	reader := func(ctx context.Context, fn func(kv.Reader) error) error {
		return db.View(ctx, func(r kv.Reader, _ *schema.Meta) error { return fn(r) })
	}
	for row, err := range kv.Pages(ctx, reader, schema.All(schema.KindBlob)) {
		var id couch.OriginID
		if err == nil {
			id, _, err = db.Blobs.OriginOf(row)
		}
		if errors.Is(err, couch.ErrCorrupt) { // for a check to tell of; nobody knows what it needs
			return nil, seq, nil
		}
		if err != nil {
			return nil, seq, err
		}
		if delete(unused, id); len(unused) == 0 {
			break
		}
	}
	return unused, seq, nil
}
