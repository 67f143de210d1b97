package storage_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"settle/storage"
	"settle/storage/couch"
)

// A batch is of the kind that is told at its end, whether or not it has spooled; a
// document that was judged for that kind is refused alone.
func TestBulkKind(t *testing.T) {
	for _, limit := range []int{1 << 20, 1} {
		for _, replicated := range []bool{false, true} {
			b := newBench(t)
			b.store.LimitBatches(limit, 2)
			db := b.create("alpha")
			var docs []*couch.Document
			for i := range 4 {
				doc := document(t, fmt.Sprint("d", i), `{}`)
				doc.Revisions = couch.PathTo(parseRev(t, "3-x"))
				doc.NotInteractive, doc.NotReplicated = i == 1, i == 2
				doc.Attachments = []couch.Attachment{blob(t, db, "a", "text/plain", strings.Repeat(fmt.Sprint(i), 50_000))}
				docs = append(docs, doc)
			}
			ended := false
			batch := func(yield func(*couch.Document, error) bool) {
				_ = yield(docs[0], nil) && yield(docs[1], nil) && yield(docs[2], nil) && yield(docs[3], nil)
				ended = true
			}
			results, err := db.Bulk(context.Background(), batch, func() (bool, error) {
				if !ended {
					t.Error("the kind is asked for before the end")
				}
				return replicated, nil
			})
			if err != nil || len(results) != len(docs) {
				t.Fatal(results, err)
			}
			files := 0
			for i, r := range results {
				want := "conflict" // a new document of a revision that is not there, with attachments
				switch {
				case replicated && i == 2, !replicated && i == 1:
					want = "judged"
				case replicated:
					want = "stored"
					files++
				}
				got := "stored"
				switch {
				case errors.Is(r.Err, couch.ErrConflict):
					got = "conflict"
				case errors.Is(r.Err, &couch.Error{Kind: couch.Forbidden}):
					got = "judged"
				}
				if got != want || r.ID != docs[i].ID {
					t.Errorf("limit %d, replicated %v: %s is %s, want %s", limit, replicated, r.ID, got, want)
				}
			}
			if n := len(blobFiles(t, b.fs, "data/blobs")); n != files {
				t.Errorf("%d files, want %d", n, files)
			}
		}
	}
}

// The error that takes the place of the kind refuses the batch; nothing of it is left.
func TestBulkWithoutAKind(t *testing.T) {
	b := newBench(t)
	b.store.LimitBatches(1, 2)
	db := b.create("alpha")
	refusal := errors.New("refused")
	doc := document(t, "d", `{}`)
	doc.Attachments = []couch.Attachment{blob(t, db, "a", "text/plain", strings.Repeat("x", 50_000))}
	_, err := db.Bulk(context.Background(), storage.Docs(doc, document(t, "e", `{}`)), func() (bool, error) { return true, refusal })
	if !errors.Is(err, refusal) {
		t.Errorf("%v", err)
	}
	if i := info(t, db); i.DocCount != 0 || i.UpdateSeq != 0 || len(blobFiles(t, b.fs, "data/blobs")) != 0 || len(partitions(t, b)) != 1 {
		t.Errorf("%+v, %d partitions", i, len(partitions(t, b)))
	}
}
