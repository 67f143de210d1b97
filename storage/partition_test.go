package storage_test

import (
	"context"
	"errors"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"settle/storage"
	"settle/storage/couch"
)

// The recorded scenario db-partitioned-reads, and what does not belong to a partition.
func TestPartitions(t *testing.T) {
	b := newBench(t)
	ctx := context.Background()
	db, err := b.store.CreateDatabase(ctx, "alpha", storage.CreateOptions{Partitioned: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"p1:a", "p1:b", "p2:a", "p2:b", "p1:c", "_design/d", "p1", "p:x", "p1;a", "p10:a"} {
		if r, err := db.BulkDocs(ctx, storage.Docs(document(t, id, `{"n":1}`))); (err != nil) != (id == "p1" || id == "p1;a") {
			t.Errorf("%s: %v, %v", id, r, err)
		}
	}
	rev := mustPut(t, db, "p1:gone", "", `{}`)
	gone := document(t, "p1:gone", `{"_deleted":true}`)
	gone.Deleted, gone.Revisions = true, couch.PathTo(parseRev(t, rev))
	if _, err := db.BulkDocs(ctx, storage.Docs(gone)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []couch.PartitionInfo{
		{Name: "p1", DocCount: 3, DeletedCount: 1, Sizes: couch.Sizes{Active: 23, External: 23}},
		{Name: "p2", DocCount: 2, Sizes: couch.Sizes{Active: 14, External: 14}},
		{Name: "none"},
	} {
		got, err := db.PartitionInfo(ctx, want.Name)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", want.Name, err, diff)
		}
	}
	if _, err := db.PartitionInfo(ctx, "_bad"); !errors.Is(err, &couch.Error{Kind: couch.IllegalPartition}) {
		t.Errorf("_bad: %v", err)
	}
	if _, err := b.create("beta").PartitionInfo(ctx, "p1"); !errors.Is(err, &couch.Error{Kind: couch.BadRequest}) {
		t.Errorf("in a database without partitions: %v", err)
	}
}

// One bad id refuses a whole batch, replicated or not.
func TestPartitionedBatch(t *testing.T) {
	b := newBench(t)
	ctx := context.Background()
	db, err := b.store.CreateDatabase(ctx, "alpha", storage.CreateOptions{Partitioned: true})
	if err != nil {
		t.Fatal(err)
	}
	bad := document(t, ":x", `{}`)
	bad.Revisions = couch.PathTo(parseRev(t, "1-a"))
	good := document(t, "p:x", `{}`)
	good.Revisions = bad.Revisions
	for _, write := range []func(*storage.Database, ...*couch.Document) error{
		func(db *storage.Database, docs ...*couch.Document) error {
			_, err := db.BulkDocs(ctx, storage.Docs(docs...))
			return err
		},
		func(db *storage.Database, docs ...*couch.Document) error {
			_, err := db.PutRevs(ctx, storage.Docs(docs...))
			return err
		},
	} {
		if err := write(db, good, bad); !errors.Is(err, &couch.Error{Kind: couch.IllegalPartition}) {
			t.Errorf("%v", err)
		}
		if err := write(db, document(t, "", `{}`)); !errors.Is(err, &couch.Error{Kind: couch.IllegalDocID}) {
			t.Errorf("without an id: %v", err)
		}
	}
	if seq := updateSeq(t, db); seq != 0 {
		t.Errorf("at %d", seq)
	}
}

// A design document that asks for partitions is refused where there are none, alone,
// whoever brings it.
func TestPartitionedDesignDocument(t *testing.T) {
	b := newBench(t)
	plain := b.create("plain")
	partitioned, err := b.store.CreateDatabase(context.Background(), "partitioned", storage.CreateOptions{Partitioned: true})
	if err != nil {
		t.Fatal(err)
	}
	for text, refused := range map[string]bool{
		`{"options":{"partitioned":true}}`:                  true,
		`{"views":{},"options":{"x":1,"partitioned":true}}`: true,
		`{"options":{"partitioned":false}}`:                 false,
		`{"options":[{"partitioned":true}]}`:                false,
		`{"views":{"options":{"partitioned":true}}}`:        false,
		`{"options":{"partitioned":"true"}}`:                false,
		`{"options":{"partitioned":1},"partitioned":true}`:  false,
		`{"options":5}`: false,
		`{}`:            false,
	} {
		for _, db := range []*storage.Database{plain, partitioned} {
			doc, other := document(t, "_design/d", text), document(t, "p:other", text)
			for _, d := range []*couch.Document{doc, other} {
				d.Revisions = couch.PathTo(parseRev(t, "1-"+strconv.Itoa(len(text))))
			}
			results, err := db.PutRevs(context.Background(), storage.Docs(doc, other))
			if err != nil || results[1].Err != nil {
				t.Fatal(results, err)
			}
			got := errors.Is(results[0].Err, &couch.Error{Kind: couch.InvalidDesignDoc})
			if got != (refused && db == plain) || !got && results[0].Err != nil {
				t.Errorf("%s in %s: %v", text, db.Name(), results[0].Err)
			}
		}
	}
	if r := put(t, plain, "_design/e", "", `{"options":{"partitioned":true}}`); !errors.Is(r.Err, &couch.Error{Kind: couch.InvalidDesignDoc}) {
		t.Errorf("an edit: %v", r.Err)
	}
}
