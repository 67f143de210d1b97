package storage_test

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"settle/storage"
	"settle/storage/couch"
	"settle/storage/kv"
	"settle/storage/schema"
)

// plantedDelivery is the id under which planted words are delivered.
var plantedDelivery = couch.DeliveryID{Deliverer: planted["deliverer"], ID: planted["delivery"]}

// plantedUpload is content of an upload, in more than one chunk.
var plantedUpload = strings.Repeat(planted["upload"]+" ", 10_000)

// plantArrivals stores planted words by the ways in that are no documents yet, or are
// remembered beside one: an upload that is complete, one that is not, and a delivery.
func plantArrivals(t *testing.T, db *storage.Database) {
	t.Helper()
	for _, part := range []int{len(plantedUpload), 2 * len(plantedUpload) / 3} {
		u, err := db.CreateUpload(t.Context(), couch.Upload{
			Owner: planted["owner"], Metadata: planted["upload metadata"], Length: int64(len(plantedUpload)),
			Expires: time.Now().Add(time.Hour),
		})
		if err == nil {
			_, err = db.AppendUpload(t.Context(), u, strings.NewReader(plantedUpload[:part]))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	wantDelivered(t, db, plantedDelivery.Deliverer, plantedDelivery.ID, planted["delivered"])
}

// readArrivals reads what plantArrivals has stored; an upload that is not complete is
// completed.
func readArrivals(b *bench, db *storage.Database, out *strings.Builder) error {
	ctx := context.Background()
	ids, err := uploadsOf(ctx, b, db.Name())
	if err != nil {
		return err
	}
	for _, id := range ids {
		u, err := db.Upload(ctx, id, planted["owner"])
		if err != nil {
			return err
		}
		fmt.Fprintln(out, u)
		if u, err = db.AppendUpload(ctx, u, strings.NewReader(plantedUpload[u.Offset:])); err != nil {
			return err
		}
		if err := readUpload(db, u, out); err != nil {
			return err
		}
	}
	known, err := db.HasReceipt(ctx, plantedDelivery)
	if err != nil || !known {
		return err
	}
	again := couch.Delivery{DeliveryID: plantedDelivery}
	copy(again.Fingerprint[:], planted["delivered"])
	made, err := db.Deliver(ctx, again)
	fmt.Fprintln(out, made)
	return err
}

// readUpload reads the content of a complete upload, which stays one.
func readUpload(db *storage.Database, u couch.Upload, out *strings.Builder) error {
	p, err := db.TakeUpload(context.Background(), u.ID, u.Owner)
	if err != nil {
		return err
	}
	defer p.Discard()
	r, err := p.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = io.Copy(out, r)
	return err
}

// uploadsOf returns the ids of a database's uploads.
func uploadsOf(ctx context.Context, b *bench, name string) (ids []couch.BlobID, err error) {
	var rec schema.DBRecord
	err = b.kv.View(ctx, schema.DirectoryPartition, func(r kv.Reader) error {
		row, err := kv.GetOne(ctx, r, schema.NameKey(name))
		if err == nil {
			rec, err = schema.DecodeDBRecord(row)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	err = b.kv.View(ctx, rec.Partition, func(r kv.Reader) error {
		for row, err := range r.Scan(ctx, schema.All(schema.KindUpload)) {
			if err != nil {
				return err
			}
			ids = append(ids, couch.BlobID(row.Key[1:]))
		}
		return nil
	})
	return ids, err
}
