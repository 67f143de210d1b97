package storage_test

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"settle/storage"
	"settle/storage/couch"
)

func ids(t testing.TB, rows func(func(couch.AllDocsRow, error) bool)) []string {
	t.Helper()
	var out []string
	for row, err := range rows {
		if err != nil {
			t.Fatal(err)
		}
		s := string(row.ID)
		switch {
		case row.Rev.IsZero():
			s += " missing"
		case row.Deleted:
			s += " deleted"
		case row.Doc != nil:
			s += " " + string(row.Doc.Body.Text)
		}
		out = append(out, s)
	}
	return out
}

func TestAllDocsRanges(t *testing.T) {
	db := newBench(t).create("alpha")
	for _, id := range []string{"a", "b", "c", "d", "e", "é"} {
		mustPut(t, db, id, "", `{}`)
	}
	mustPut(t, db, "c", mustWinner(t, db, "c"), `{"_deleted":true}`)
	at := func(id couch.DocID) *couch.DocID { return &id }
	tests := []struct {
		name   string
		o      couch.AllDocsOptions
		want   []string
		offset int64
	}{
		{"all", couch.AllDocsOptions{Limit: -1}, []string{"a", "b", "d", "e", "é"}, 0},
		{"none", couch.AllDocsOptions{}, nil, 0},
		{"range", couch.AllDocsOptions{Start: at("b"), End: at("d"), Limit: -1}, []string{"b", "d"}, 1},
		{"end left out", couch.AllDocsOptions{Start: at("b"), End: at("d"), ExclusiveEnd: true, Limit: -1}, []string{"b"}, 1},
		{"descending", couch.AllDocsOptions{Descending: true, Limit: -1}, []string{"é", "e", "d", "b", "a"}, 0},
		{"descending range", couch.AllDocsOptions{Descending: true, Start: at("d"), End: at("b"), Limit: -1}, []string{"d", "b"}, 2},
		{"descending, end left out", couch.AllDocsOptions{Descending: true, Start: at("d"), End: at("b"), ExclusiveEnd: true, Limit: -1}, []string{"d"}, 2},
		{"skip and limit", couch.AllDocsOptions{Skip: 1, Limit: 2}, []string{"b", "d"}, 0},
		{"between ids", couch.AllDocsOptions{Start: at("bb"), End: at("dd"), Limit: -1}, []string{"d"}, 2},
		{"documents", couch.AllDocsOptions{Start: at("e"), Limit: 1, IncludeDocs: true}, []string{"e {}"}, 3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, ids(t, db.AllDocs(context.Background(), tt.o))); diff != "" {
				t.Errorf("rows (-want +got):\n%s", diff)
			}
			if n, err := db.AllDocsOffset(context.Background(), tt.o); err != nil || n != tt.offset {
				t.Errorf("offset %d, %v, want %d", n, err, tt.offset)
			}
		})
	}
	got := ids(t, db.AllDocsByID(context.Background(), []couch.DocID{"c", "none", "a", "a"}, couch.AllDocsOptions{IncludeDocs: true}))
	if diff := cmp.Diff([]string{"c deleted", "none missing", "a {}", "a {}"}, got); diff != "" {
		t.Errorf("by id (-want +got):\n%s", diff)
	}
}

// With and without documents the same rows come, whatever is deleted, skipped or large.
func TestAllDocsWithDocuments(t *testing.T) {
	db := newBench(t).create("alpha")
	bulk(t, db, 0, 2300)
	for i := range 40 {
		mustPut(t, db, fmt.Sprintf("large%02d", i), "", fmt.Sprintf(`{"text":%q}`, strings.Repeat("x", 300_000)))
	}
	var gone []*couch.Document
	for i := 150; i < 1700; i++ { // more than one page of rows
		id := fmt.Sprintf("d%04d", i)
		gone = append(gone, &couch.Document{ID: couch.DocID(id), Revisions: revisionsOf(t, db, id), Deleted: true, Body: couch.Body{Text: []byte(`{}`)}})
	}
	if _, err := db.BulkDocs(context.Background(), storage.Docs(gone...)); err != nil {
		t.Fatal(err)
	}
	if n := sameWithDocs(t, db, couch.AllDocsOptions{Limit: -1}); n != 2300+40-len(gone) {
		t.Errorf("%d rows", n)
	}
	at := func(id couch.DocID) *couch.DocID { return &id }
	for _, start := range []*couch.DocID{nil, at("d0140"), at("large")} {
		for _, descending := range []bool{false, true} {
			for _, skip := range []int{0, 9, 151} {
				for _, limit := range []int{-1, 1, 99, 101, 260} {
					o := couch.AllDocsOptions{Start: start, Descending: descending, Skip: skip, Limit: limit}
					sameWithDocs(t, db, o)
				}
			}
		}
	}
}

func revisionsOf(t testing.TB, db *storage.Database, id string) couch.Revisions {
	t.Helper()
	doc, err := db.Get(context.Background(), couch.DocID(id), couch.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return doc.Revisions
}

// sameWithDocs reads rows without documents and with them, and counts them.
func sameWithDocs(t *testing.T, db *storage.Database, o couch.AllDocsOptions) (n int) {
	t.Helper()
	next, stop := iter.Pull2(db.AllDocs(context.Background(), o))
	defer stop()
	o.IncludeDocs = true
	for row, err := range db.AllDocs(context.Background(), o) {
		if err != nil {
			t.Fatal(err)
		}
		want, err, ok := next()
		if !ok || err != nil || want.ID != row.ID || want.Rev != row.Rev {
			t.Fatalf("%+v: row %d is %s %s with documents, without them %+v, %v", o, n, row.ID, row.Rev, want, err)
		}
		if row.Doc == nil || row.Doc.ID != row.ID || row.Doc.Rev() != row.Rev {
			t.Fatalf("%+v: row %d, %s, has the document %+v", o, n, row.ID, row.Doc)
		}
		n++
	}
	if more, _, ok := next(); ok {
		t.Errorf("%+v: with documents there are %d rows, without them comes %s too", o, n, more.ID)
	}
	return n
}
