package storage_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"settle/storage"
	"settle/storage/couch"
)

// used returns what a database's quota counts.
func used(t *testing.T, db *storage.Database) int64 {
	t.Helper()
	q, err := db.Quota(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return q.Used()
}

// A batch that is too much is refused as a whole, also where it takes several
// transactions; what does not grow passes.
func TestQuotaOfBatches(t *testing.T) {
	b := newBench(t)
	db := b.create("db")
	rev := mustPut(t, db, "old", "", `{"text":"`+strings.Repeat("x", 5000)+`"}`)
	if err := db.SetQuota(t.Context(), 1<<20); err != nil {
		t.Fatal(err)
	}
	before, err := db.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	batch := func(yield func(*couch.Document, error) bool) {
		for i := range 6000 {
			if !yield(document(t, fmt.Sprintf("doc%d", i), `{"text":"`+strings.Repeat("y", 200)+`"}`), nil) {
				return
			}
		}
	}
	if _, err := db.BulkDocs(t.Context(), batch); !errors.Is(err, couch.ErrOverQuota) {
		t.Errorf("%v", err)
	}
	after, err := db.Info(t.Context())
	if err != nil || after.UpdateSeq != before.UpdateSeq || after.DocCount != 1 {
		t.Errorf("%+v, %v", after, err)
	}
	if err := db.SetQuota(t.Context(), 10); err != nil {
		t.Fatal(err)
	}
	mustPut(t, db, "old", rev, `{"text":"`+strings.Repeat("z", 5000)+`"}`)
	if n := used(t, db); n != 5011 {
		t.Errorf("%d bytes are used", n)
	}
	b.reopen()
	if db, err = b.store.Database(t.Context(), "db"); err != nil {
		t.Fatal(err)
	}
	if q, err := db.Quota(t.Context()); err != nil || q != (couch.Quota{Max: 10, Documents: 5011}) {
		t.Errorf("%+v, %v", q, err)
	}
	if err := db.SetQuota(t.Context(), couch.NoQuota); err != nil {
		t.Fatal(err)
	}
	if _, err := db.BulkDocs(t.Context(), batch); err != nil {
		t.Error(err)
	}
}

// A content counts once, however many leaves have it.
func TestQuotaCountsContentsOnce(t *testing.T) {
	b := newBench(t)
	db := b.create("db")
	a := blob(t, db, "a", "text/plain", strings.Repeat("content ", 1000))
	rev := mustPut(t, db, "doc", "", `{}`, a)
	stub := couch.Attachment{Name: "a", Stub: true}
	rev = mustPut(t, db, "doc", rev, `{}`, stub)
	if n := used(t, db); n != 8002 {
		t.Errorf("%d bytes", n)
	}
	mustPut(t, db, "doc", rev, `{}`)
	if n := used(t, db); n != 2 {
		t.Errorf("%d bytes are left", n)
	}
}
