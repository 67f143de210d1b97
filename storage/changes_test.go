package storage_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"settle/storage"
	"settle/storage/couch"
)

// TestFeedsMissNothing follows the changes of concurrent writers with several
// feeds that pause at random places. Documents are written once, so each feed
// must see each exactly once, in the order of the sequences.
func TestFeedsMissNothing(t *testing.T) {
	const writers, each, feeds = 8, 60, 4
	db := newBench(t).create("alpha")
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for n := range each {
				mustPut(t, db, fmt.Sprintf("%d-%d", w, n), "", `{}`)
			}
		})
	}
	for f := range feeds {
		wg.Go(func() { follow(t, db, writers*each, f+1) })
	}
	wg.Wait()
}

// follow reads changes in portions until it has seen all documents.
func follow(t *testing.T, db *storage.Database, all, portion int) {
	seen := make(map[couch.DocID]bool)
	var since couch.Seq
	for len(seen) < all {
		wake := db.Wait()
		read := 0
		for c, err := range db.Changes(context.Background(), couch.ChangesOptions{Since: since, Limit: portion}) {
			if err != nil {
				t.Error(err)
				return
			}
			if c.Seq != since+1 || seen[c.ID] {
				t.Errorf("after %d came %d, %s; seen before: %v", since, c.Seq, c.ID, seen[c.ID])
				return
			}
			since, seen[c.ID] = c.Seq, true
			read++
		}
		if read > 0 {
			continue
		}
		select {
		case <-wake:
		case <-time.After(time.Minute):
			t.Errorf("nothing came after %d of %d", len(seen), all)
			return
		}
	}
}

func TestChangesOptions(t *testing.T) {
	db := newBench(t).create("alpha")
	revs := make(map[string]string)
	for i := range 2500 {
		id := fmt.Sprintf("d%04d", i)
		if i < 3 || i > 2497 {
			revs[id] = mustPut(t, db, id, "", `{}`)
			continue
		}
		if i == 3 {
			bulk(t, db, 3, 2498)
		}
	}
	mustPut(t, db, "d0001", revs["d0001"], `{"_deleted":true}`)
	tests := []struct {
		name string
		o    couch.ChangesOptions
		rows int
		want []string // the first ones, without revisions
	}{
		{"all, over several pages", couch.ChangesOptions{}, 2500, []string{"1 d0000", "3 d0002"}},
		{"since", couch.ChangesOptions{Since: 2499}, 2, []string{"2500 d2499", "2501 d0001"}},
		{"limit", couch.ChangesOptions{Since: 1, Limit: 1}, 1, []string{"3 d0002"}},
		{"limit over pages", couch.ChangesOptions{Limit: 1001}, 1001, nil},
		{"descending", couch.ChangesOptions{Descending: true, Limit: 2}, 2, []string{"2501 d0001", "2500 d2499"}},
		{"documents", couch.ChangesOptions{DocIDs: []couch.DocID{"d0001", "none", "d0000", "d0001"}}, 2, []string{"1 d0000", "2501 d0001"}},
		{"documents since", couch.ChangesOptions{DocIDs: []couch.DocID{"d0001", "d0000"}, Since: 1}, 1, []string{"2501 d0001"}},
		{"no documents", couch.ChangesOptions{DocIDs: []couch.DocID{}}, 0, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rows := 0
			var first []string
			for c, err := range db.Changes(context.Background(), tt.o) {
				if err != nil {
					t.Fatal(err)
				}
				if rows++; len(first) < len(tt.want) {
					first = append(first, fmt.Sprintf("%d %s", c.Seq, c.ID))
				}
			}
			if rows != tt.rows {
				t.Errorf("%d rows, want %d", rows, tt.rows)
			}
			if diff := cmp.Diff(tt.want, first); diff != "" {
				t.Errorf("rows (-want +got):\n%s", diff)
			}
		})
	}
}

// bulk writes documents by their numbers in one batch.
func bulk(t testing.TB, db *storage.Database, from, to int) {
	t.Helper()
	_, err := db.BulkDocs(context.Background(), func(yield func(*couch.Document, error) bool) {
		for i := from; i < to && yield(document(t, fmt.Sprintf("d%04d", i), `{}`), nil); i++ {
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestChangesWithDocuments(t *testing.T) {
	db := newBench(t).create("alpha")
	bulk(t, db, 0, 250)
	n := 0
	for c, err := range db.Changes(context.Background(), couch.ChangesOptions{IncludeDocs: true}) {
		if err != nil {
			t.Fatal(err)
		}
		if c.Doc == nil || c.Doc.ID != c.ID || c.Doc.Rev() != c.Revs[0] {
			t.Fatalf("row %d has the document %+v", c.Seq, c.Doc)
		}
		n++
	}
	if n != 250 {
		t.Errorf("%d rows", n)
	}
}
