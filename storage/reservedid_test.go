package storage_test

import (
	"errors"
	"testing"

	"settle/storage"
	"settle/storage/couch"
)

func TestReservedIDsAreNoDocuments(t *testing.T) {
	b := newBench(t)
	for name, partitioned := range map[string]bool{"plain": false, "parts": true} {
		db, err := b.store.CreateDatabase(t.Context(), name, storage.CreateOptions{Partitioned: partitioned})
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range []string{"_local/x", "_other", "_", "_local/p:x"} {
			replicated := document(t, id, `{}`)
			replicated.Revisions = couch.PathTo(parseRev(t, "1-a0"))
			_, interactively := db.BulkDocs(t.Context(), storage.Docs(document(t, id, `{}`)))
			_, byReplication := db.PutRevs(t.Context(), storage.Docs(replicated))
			_, either := db.Bulk(t.Context(), storage.Docs(document(t, id, `{}`)), func() (bool, error) { return false, nil })
			for _, err := range []error{interactively, byReplication, either} {
				if !errors.Is(err, &couch.Error{Kind: couch.IllegalDocID}) {
					t.Errorf("%s, %s: %v", name, id, err)
				}
			}
			if _, err := db.Get(t.Context(), couch.DocID(id), couch.GetOptions{}); !errors.Is(err, couch.ErrNotFound) {
				t.Errorf("%s, %s is stored: %v", name, id, err)
			}
		}
		if _, err := db.BulkDocs(t.Context(), storage.Docs(document(t, "_design/x", `{}`))); err != nil {
			t.Errorf("%s: a design document: %v", name, err)
		}
	}
}
