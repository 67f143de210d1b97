package storage_test

import (
	"slices"
	"strings"
	"testing"

	"settle/storage"
	"settle/storage/couch"
	"settle/storage/docjson"
)

func TestEvents(t *testing.T) {
	s := newBench(t).store
	empty, err := docjson.NewReader(strings.NewReader("{}")).Document(docjson.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	remove := s.OnEvent(func(e storage.EventType, name string) { got = append(got, string(e)+":"+name) })
	db, err := s.CreateDatabase(t.Context(), "alpha", storage.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.CreateDatabase(t.Context(), "alpha", storage.CreateOptions{}); err == nil {
		t.Fatal("made twice")
	}
	if _, err := db.BulkDocs(t.Context(), storage.Docs(&couch.Document{ID: "a", Body: empty.Body})); err != nil {
		t.Fatal(err)
	}
	if _, err := db.BulkDocs(t.Context(), storage.Docs(&couch.Document{ID: "a", Body: empty.Body})); err != nil { // a conflict
		t.Fatal(err)
	}
	if _, err := db.PutLocal(t.Context(), &couch.LocalDocument{ID: "_local/a", Body: empty.Body}); err != nil {
		t.Fatal(err)
	}
	if err := s.DropDatabase(t.Context(), "alpha"); err != nil {
		t.Fatal(err)
	}
	if err := s.DropDatabase(t.Context(), "alpha"); err == nil {
		t.Fatal("dropped twice")
	}
	remove()
	if _, err := s.CreateDatabase(t.Context(), "beta", storage.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if want := []string{"created:alpha", "updated:alpha", "deleted:alpha"}; !slices.Equal(got, want) {
		t.Errorf("told %v, want %v", got, want)
	}
}
