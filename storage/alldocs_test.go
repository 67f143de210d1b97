package storage_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

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
