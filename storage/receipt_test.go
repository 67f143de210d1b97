package storage_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"settle/storage"
	"settle/storage/check"
	"settle/storage/couch"
	"settle/storage/kv"
	"settle/storage/schema"
)

// deliver delivers a document with an attachment; the fingerprint is of content.
func deliver(t testing.TB, db *storage.Database, by, id, content string) (couch.Delivered, error) {
	t.Helper()
	doc := document(t, "", `{"type":"delivery"}`)
	doc.ID = couch.DocID(fmt.Sprintf("made-%s-%s-%d", by, id, time.Now().UnixNano()))
	a := blob(t, db, "content.age", "application/age", content)
	a.RevPos = 1
	doc.Attachments = []couch.Attachment{a}
	d := couch.Delivery{DeliveryID: couch.DeliveryID{Deliverer: by, ID: id}, Document: doc}
	copy(d.Fingerprint[:], content)
	return db.Deliver(t.Context(), d)
}

func wantDelivered(t testing.TB, db *storage.Database, by, id, content string) couch.Delivered {
	t.Helper()
	made, err := deliver(t, db, by, id, content)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func wantNoDelivery(t testing.TB, db *storage.Database, by, id, content string, kind couch.Kind) {
	t.Helper()
	before, err := db.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if made, err := deliver(t, db, by, id, content); !errors.Is(err, &couch.Error{Kind: kind}) {
		t.Errorf("%s %s: %+v, %v", by, id, made, err)
	}
	after, err := db.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("a refused delivery: %s", diff)
	}
}

func TestDeliveriesAreIdempotent(t *testing.T) {
	b := newBench(t)
	db := b.create("db")
	first := wantDelivered(t, db, "mta", "1", "content")
	if !first.New || first.Rev.Gen != 1 {
		t.Errorf("%+v", first)
	}
	if got := get(t, db, string(first.ID), couch.GetOptions{}); !strings.Contains(got, first.Rev.String()) {
		t.Errorf("%+v has made %s", first, got)
	}
	again := first
	again.New = false
	for range 2 {
		if got := wantDelivered(t, db, "mta", "1", "content"); got != again {
			t.Errorf("again: %+v, want %+v", got, again)
		}
		b.reopen()
		db, _ = b.store.Database(t.Context(), "db")
	}
	wantNoDelivery(t, db, "mta", "1", "other", couch.Conflict)
	if got := wantDelivered(t, db, "other", "1", "content"); !got.New || got.ID == first.ID {
		t.Errorf("another's: %+v", got)
	}
	if known, err := db.HasReceipt(t.Context(), couch.DeliveryID{Deliverer: "mta", ID: "1"}); !known || err != nil {
		t.Errorf("%v %v", known, err)
	}
	if known, err := db.HasReceipt(t.Context(), couch.DeliveryID{Deliverer: "mt", ID: "a1"}); known || err != nil {
		t.Errorf("%v %v", known, err)
	}
	if _, err := db.Purge(t.Context(), []couch.RevsAsk{{ID: first.ID, Revs: []couch.RevID{first.Rev}}}); err != nil {
		t.Fatal(err)
	}
	if got := wantDelivered(t, db, "mta", "1", "content"); got != again {
		t.Errorf("behind a purge: %+v, want %+v", got, again)
	}
	if counts := b.check(); counts.Documents != 1 || counts.Blobs != 1 {
		t.Errorf("%+v", counts)
	}
}

func TestReceiptsAreForgotten(t *testing.T) {
	b := newBench(t)
	clock := b.setClock(time.Date(2026, 3, 1, 23, 59, 0, 0, time.UTC))
	b.reopen()
	db := b.create("db")
	first := wantDelivered(t, db, "mta", "1", "content")
	rows := func() (n int) {
		t.Helper()
		if err := b.kv.View(t.Context(), schema.TagKeysPartition, func(r kv.Reader) error {
			for _, err := range r.Scan(t.Context(), kv.Range{}) {
				if err != nil {
					return err
				}
				n++
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return n
	}
	clock.pass(14 * 24 * time.Hour)
	if err := b.store.ExpireReceipts(t.Context()); err != nil || rows() != 1 {
		t.Fatal(err, rows())
	}
	if got := wantDelivered(t, db, "mta", "1", "content"); got.ID != first.ID || got.New {
		t.Errorf("on the last day: %+v", got)
	}
	wantDelivered(t, db, "mta", "2", "content")
	clock.pass(time.Minute)
	wantNoDelivery(t, db, "mta", "1", "content", couch.AlreadyDelivered)
	if _, err := db.HasReceipt(t.Context(), couch.DeliveryID{Deliverer: "mta", ID: "1"}); !errors.Is(err, couch.ErrAlreadyDelivered) {
		t.Error(err)
	}
	if err := b.store.ExpireReceipts(t.Context()); err != nil || rows() != 1 {
		t.Fatal(err, rows())
	}
	wantNoDelivery(t, db, "mta", "1", "content", couch.AlreadyDelivered)
	if got := wantDelivered(t, db, "mta", "2", "content"); got.New {
		t.Errorf("the other is new: %+v", got)
	}
}

// Of many deliveries of one id at a time one is made.
func TestDeliveriesAtOnce(t *testing.T) {
	b := newBench(t)
	db := b.create("db")
	const n = 16
	var wg sync.WaitGroup
	made := make([]couch.Delivered, n)
	errs := make([]error, n)
	for i := range n {
		wg.Go(func() {
			content := "content"
			if i%4 == 3 {
				content = "other"
			}
			made[i], errs[i] = deliver(t, db, "mta", "1", content)
		})
	}
	wg.Wait()
	var ids = map[couch.DocID]int{}
	news := 0
	for i := range n {
		if errs[i] != nil {
			if !errors.Is(errs[i], couch.ErrConflict) {
				t.Error(errs[i])
			}
			continue
		}
		ids[made[i].ID]++
		if made[i].New {
			news++
		}
	}
	if len(ids) != 1 || news != 1 {
		t.Errorf("%v, %d new", ids, news)
	}
	if counts := b.check(); counts.Documents != 1 || counts.Blobs != 1 {
		t.Errorf("%+v", counts)
	}
}

// A changed receipt, or key of its day, is told as damage, and no answer.
func TestDamagedReceipts(t *testing.T) {
	id := couch.DeliveryID{Deliverer: "mta", ID: "1"}
	for _, what := range []string{"receipt", "key"} {
		b := newBench(t)
		db := b.create("db")
		wantDelivered(t, db, id.Deliverer, id.ID, "content")
		partition, r := partitionOf(t, b, "db"), schema.All(schema.KindReceipt)
		if what == "key" {
			partition, r = schema.TagKeysPartition, kv.Range{}
		}
		var row kv.KV
		change := func(flip int) {
			t.Helper()
			if err := b.kv.Update(t.Context(), partition, func(tx kv.Tx) error {
				for found, err := range tx.Scan(t.Context(), r) {
					if err != nil {
						return err
					}
					if row.Key == nil {
						row = kv.KV{Key: bytes.Clone(found.Key), Value: bytes.Clone(found.Value)}
					}
				}
				value := bytes.Clone(row.Value)
				if flip >= 0 {
					value[flip/8] ^= 1 << (flip % 8)
				}
				tx.Set(row.Key, value)
				return nil
			}); err != nil {
				t.Fatal(err)
			}
		}
		change(-1)
		for flip := 0; flip < 8*len(row.Value); flip += 13 {
			change(flip)
			if made, err := deliver(t, db, id.Deliverer, id.ID, "content"); !errors.Is(err, couch.ErrCorrupt) {
				t.Fatalf("%s, bit %d: %+v, %v", what, flip, made, err)
			}
			if _, err := db.HasReceipt(t.Context(), id); !errors.Is(err, couch.ErrCorrupt) {
				t.Fatalf("%s, bit %d: %v", what, flip, err)
			}
		}
		findings := 0
		if _, err := check.Run(t.Context(), b.checked(), func(check.Finding) { findings++ }); err != nil || findings != 1 {
			t.Errorf("%s: %d findings, %v", what, findings, err)
		}
		change(-1)
	}
}

// partitionOf returns where a database is.
func partitionOf(t *testing.T, b *bench, name string) (p kv.Partition) {
	t.Helper()
	if err := b.kv.View(t.Context(), schema.DirectoryPartition, func(r kv.Reader) error {
		rows, err := r.GetMulti(t.Context(), schema.NameKey(name))
		if err != nil {
			return err
		}
		rec, err := schema.DecodeDBRecord(rows[0])
		p = rec.Partition
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return p
}
