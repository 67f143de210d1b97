package replicator_test

import (
	"slices"
	"testing"

	"settle/replication"
	"settle/storage"
	"settle/storage/couch"
	"settle/storage/storagetest"
)

// A filter function sees who replicates, and the parameters, as in a request for changes.
func TestFiltersSeeWhoReplicates(t *testing.T) {
	store := storagetest.Open(t)
	storagetest.Write(t, storagetest.Database(t, store, "db", storage.CreateOptions{}),
		`{"_id":"_design/d","filters":{"mine":"function(doc, req){ return doc.owner === req.userCtx.name && doc.n == req.query.n && !req.headers.Accept && !req.form.n; }"}}`,
		`{"_id":"a","owner":"joe","n":1}`, `{"_id":"b","owner":"joe","n":2}`, `{"_id":"c","owner":"eve","n":1}`)
	side := newReplicator(t, store).Local("db")
	ctx := couch.WithUser(t.Context(), couch.UserCtx{Name: "joe"})
	if _, err := side.Open(ctx); err != nil {
		t.Fatal(err)
	}
	var ids []couch.DocID
	for change, err := range side.Changes(ctx, replication.Feed{Filter: replication.Filter{Function: "d/mine", Params: []replication.Param{{Name: "n", Value: "1"}}}}) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, change.ID)
	}
	if !slices.Equal(ids, []couch.DocID{"a"}) {
		t.Errorf("joe's are %v", ids)
	}
}
