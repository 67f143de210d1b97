package storage

import (
	"cmp"
	"context"
	"errors"
	"time"

	"settle/storage/couch"
	"settle/storage/docjson"
	"settle/storage/edits"
	"settle/storage/kv"
	"settle/storage/schema"
	"settle/storage/tagkeys"
)

// errReceipt ends the transaction of a delivery whose id has a receipt.
var errReceipt = errors.New("the id of the delivery has a receipt")

// HasReceipt reports whether a delivery with the id was made before. The error is an
// AlreadyDelivered where that is so long ago that nobody can tell what it was.
func (db *Database) HasReceipt(ctx context.Context, id couch.DeliveryID) (bool, error) {
	receipt, err := db.receipt(ctx, id)
	if err != nil || receipt == nil {
		return false, err
	}
	_, err = db.store.tagKeys().Open(ctx, db.owner(), receipt.Day)
	return err == nil, err
}

// Deliver writes the document of a delivery and its receipt, in one transaction, unless
// the id has a receipt: then it says which document that delivery has made, be it
// deleted since, and writes nothing.
//
// The error is a Conflict where the id was used for another delivery, an
// AlreadyDelivered where nobody can tell any more, which is so some days after that
// delivery, an Unavailable where the first of two at a time has to be waited for, else
// as of BulkDocs or what it refuses the document with. Deliver owns the pending
// contents of the document: they are stored or discarded when it returns.
func (db *Database) Deliver(ctx context.Context, d couch.Delivery) (couch.Delivered, error) {
	made, err := db.deliverNew(ctx, d)
	if !errors.Is(err, errReceipt) {
		return made, err
	}
	receipt, err := db.receipt(ctx, d.DeliveryID)
	if err != nil {
		return couch.Delivered{}, err
	}
	if receipt == nil { // the caller had seen one, and receipts stay
		return couch.Delivered{}, couch.ErrUnavailable
	}
	key, err := db.store.tagKeys().Open(ctx, db.owner(), receipt.Day)
	if err != nil {
		return couch.Delivered{}, err
	}
	if !key.Matches(receipt.Tag, d) {
		return couch.Delivered{}, couch.Errorf(couch.Conflict, "The id was used for another delivery.")
	}
	return couch.Delivered{ID: receipt.ID, Rev: receipt.Rev}, nil
}

// deliverNew writes a delivery. The error is errReceipt where its id has a receipt.
func (db *Database) deliverNew(ctx context.Context, d couch.Delivery) (couch.Delivered, error) {
	if d.Document == nil {
		return couch.Delivered{}, errReceipt
	}
	defer d.Document.DiscardPending()
	if known, err := db.receipt(ctx, d.DeliveryID); known != nil || err != nil {
		return couch.Delivered{}, cmp.Or(err, errReceipt)
	}
	receipt, err := db.newReceipt(ctx, d)
	if err != nil {
		return couch.Delivered{}, err
	}
	o, rowKey := db.batch(), schema.ReceiptKey(d.DeliveryID)
	o.Update = func(ctx context.Context, fn func(kv.Tx, *schema.Meta) error, opts ...kv.UpdateOption) error {
		return db.updateWithinQuota(ctx, func(tx kv.Tx, m *schema.Meta) error {
			row, err := kv.GetOne(ctx, tx, rowKey)
			if err != nil {
				return err
			}
			if row != nil {
				return errReceipt
			}
			before := m.UpdateSeq
			if err := fn(tx, m); err != nil {
				return err
			}
			if m.UpdateSeq > before { // else the document was refused
				tx.Set(rowKey, schema.SealReceipt(db.key, rowKey, receipt))
			}
			return nil
		}, opts...)
	}
	results, err := edits.Write(ctx, o, Docs(d.Document), func() (edits.Kind, error) { return edits.Interactive, nil })
	if err != nil {
		return couch.Delivered{}, err
	}
	if results[0].Err != nil {
		return couch.Delivered{}, results[0].Err
	}
	return couch.Delivered{ID: results[0].ID, Rev: results[0].Rev, New: true}, nil
}

// newReceipt makes the receipt of a delivery whose document is not written yet; its
// revision is known beforehand.
func (db *Database) newReceipt(ctx context.Context, d couch.Delivery) (schema.Receipt, error) {
	doc := d.Document
	rev, err := docjson.RevID(false, couch.RevID{}, doc.Body, doc.Attachments)
	if err != nil {
		return schema.Receipt{}, err
	}
	keys := db.store.tagKeys()
	day := keys.Today()
	key, err := keys.Make(ctx, db.owner(), day)
	if err != nil {
		return schema.Receipt{}, err
	}
	return schema.Receipt{Day: day, Tag: key.Tag(d), ID: doc.ID, Rev: rev}, nil
}

// receipt reads the receipt of a delivery, nil where there is none.
func (db *Database) receipt(ctx context.Context, id couch.DeliveryID) (*schema.Receipt, error) {
	var receipt *schema.Receipt
	err := db.view(ctx, func(r kv.Reader, _ *schema.Meta) error {
		rowKey := schema.ReceiptKey(id)
		row, err := kv.GetOne(ctx, r, rowKey)
		if err != nil || row == nil {
			return err
		}
		opened, err := schema.OpenReceipt(db.key, rowKey, row)
		receipt = &opened
		return err
	})
	return receipt, err
}

// owner names the database to the keys of deliveries.
func (db *Database) owner() tagkeys.Owner {
	return tagkeys.Owner{Partition: db.rec.Partition, Key: db.key}
}

// tagKeys are the keys by which it can be told what was delivered.
func (s *Store) tagKeys() tagkeys.Keys { return tagkeys.Keys{KV: s.kv, Now: s.now} }

// ExpireReceipts destroys the keys by which it can be told what was delivered more than
// two weeks ago: when it returns they are in no live file. That something was
// delivered under an id stays known. Open runs it every hour in the background.
func (s *Store) ExpireReceipts(ctx context.Context) error { return s.tagKeys().Expire(ctx) }

// keepReceiptsShort runs ExpireReceipts from time to time until the store ends.
func (s *Store) keepReceiptsShort() {
	hourly := time.NewTicker(time.Hour)
	defer hourly.Stop()
	for {
		s.warn(s.stopping, "old keys of deliveries could not be destroyed; they will be", s.ExpireReceipts(s.stopping))
		select {
		case <-hourly.C:
		case <-s.stopping.Done():
			return
		}
	}
}
