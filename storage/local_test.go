package storage_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"settle/storage"
	"settle/storage/couch"
)

func TestLocalDocuments(t *testing.T) {
	b := newBench(t)
	db := b.create("alpha")
	ctx := context.Background()
	write := func(rev uint64, text string) uint64 {
		t.Helper()
		got, err := db.PutLocal(ctx, &couch.LocalDocument{ID: "_local/x", Rev: rev, Body: couch.Body{Text: []byte(text)}})
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if got := []uint64{write(0, `{"n":1}`), write(1, `{"n":2}`), write(7, `{"n":3}`), write(0, `{"n":4}`)}; !slices.Equal(got, []uint64{1, 2, 8, 1}) {
		t.Errorf("revisions %v", got)
	}
	b.reopen()
	db, _ = b.store.Database(ctx, "alpha")
	doc, err := db.GetLocal(ctx, "_local/x")
	if err != nil || doc.Rev != 1 || string(doc.Body.Text) != `{"n":4}` {
		t.Errorf("got %+v, %v", doc, err)
	}
	if seq, _ := db.UpdateSeq(ctx); seq != 0 {
		t.Errorf("local documents moved the sequence to %d", seq)
	}
	var listed []couch.DocID
	for d, err := range db.LocalDocs(ctx, couch.AllDocsOptions{Limit: -1}) {
		if err != nil {
			t.Fatal(err)
		}
		listed = append(listed, d.ID)
	}
	if !slices.Equal(listed, []couch.DocID{"_local/x"}) {
		t.Errorf("listed %v", listed)
	}
	if err := db.DeleteLocal(ctx, "_local/x"); err != nil {
		t.Fatal(err)
	}
	if err := db.DeleteLocal(ctx, "_local/x"); !errors.Is(err, couch.ErrNotFound) {
		t.Errorf("deleting it twice: %v", err)
	}
	if _, err := db.GetLocal(ctx, "_local/x"); !errors.Is(err, couch.ErrNotFound) {
		t.Errorf("reading it then: %v", err)
	}
}

func TestSecurityAndLimit(t *testing.T) {
	b := newBench(t)
	db := b.create("alpha")
	ctx := context.Background()
	if text, err := db.Security(ctx); err != nil || text != nil {
		t.Errorf("before it is set: %q, %v", text, err)
	}
	if err := db.SetSecurity(ctx, []byte(`{"admins":{}}`)); err != nil {
		t.Fatal(err)
	}
	if err := db.SetRevsLimit(ctx, 2); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []int{0, -5} {
		if err := db.SetRevsLimit(ctx, bad); !errors.Is(err, &couch.Error{Kind: couch.BadRequest}) {
			t.Errorf("limit %d: %v", bad, err)
		}
	}
	b.reopen()
	db, _ = b.store.Database(ctx, "alpha")
	text, err := db.Security(ctx)
	if err != nil || string(text) != `{"admins":{}}` {
		t.Errorf("got %q, %v", text, err)
	}
	limit, err := db.RevsLimit(ctx)
	if err != nil || limit != 2 {
		t.Errorf("limit %d, %v", limit, err)
	}
	if seq, _ := db.UpdateSeq(ctx); seq != 2 {
		t.Errorf("each counts as an update: sequence %d, want 2", seq)
	}
}

// Stemmed revisions lose their bodies, and the contents that only they used.
func TestStemming(t *testing.T) {
	b := newBench(t)
	db := b.create("alpha")
	if err := db.SetRevsLimit(context.Background(), 2); err != nil {
		t.Fatal(err)
	}
	rev := ""
	for range 5 {
		rev = mustPut(t, db, "d", rev, `{"v":1}`, blob(t, db, "x", "text/plain", "content "+rev))
	}
	if c := b.check(); c.Revisions != 2 || c.Blobs != 2 {
		t.Errorf("%d revisions and %d blobs are stored, want 2 and 2", c.Revisions, c.Blobs)
	}
	doc, err := db.Get(context.Background(), "d", couch.GetOptions{Revs: true})
	if err != nil || len(doc.Revisions.Hashes) != 2 {
		t.Errorf("history %v, %v", doc.Revisions, err)
	}
	// A longer history than the limit is cut as it comes.
	push(t, db, "e", false, 5, []string{"e", "d", "c", "b", "a"}, `{}`)
	if doc, err = db.Get(context.Background(), "e", couch.GetOptions{Revs: true}); err != nil || len(doc.Revisions.Hashes) != 2 {
		t.Errorf("history %v, %v", doc.Revisions, err)
	}
	// Sent again it is no change, though the tree has to forget its beginning again.
	seq, _ := db.UpdateSeq(context.Background())
	push(t, db, "e", false, 5, []string{"e", "d", "c", "b", "a"}, `{}`)
	if again, _ := db.UpdateSeq(context.Background()); again != seq {
		t.Errorf("the same revision again moved the sequence from %d to %d", seq, again)
	}
}

func TestSettingsAndIdentity(t *testing.T) {
	b := newBench(t)
	ctx := context.Background()
	uuid := b.store.UUID()
	if err := b.store.SetSetting(ctx, "k", []byte("v")); err != nil {
		t.Fatal(err)
	}
	b.reopen()
	if b.store.UUID() != uuid || len(uuid) != 32 {
		t.Errorf("uuid %q, then %q", uuid, b.store.UUID())
	}
	if v, err := b.store.Setting(ctx, "k"); err != nil || string(v) != "v" {
		t.Errorf("got %q, %v", v, err)
	}
	if err := b.store.SetSetting(ctx, "k", nil); err != nil {
		t.Fatal(err)
	}
	if v, err := b.store.Setting(ctx, "k"); err != nil || v != nil {
		t.Errorf("after removal: %q, %v", v, err)
	}
}

func TestDatabasesList(t *testing.T) {
	b := newBench(t)
	for _, name := range []string{"c", "a", "b/x", "b"} {
		b.create(name)
	}
	at := func(s string) *string { return &s }
	tests := []struct {
		o    storage.NameRange
		want []string
	}{
		{storage.NameRange{Limit: -1}, []string{"a", "b", "b/x", "c"}},
		{storage.NameRange{Start: at("b"), End: at("c"), ExclusiveEnd: true, Limit: -1}, []string{"b", "b/x"}},
		{storage.NameRange{Descending: true, Skip: 1, Limit: 2}, []string{"b/x", "b"}},
		{storage.NameRange{}, nil},
	}
	for _, tt := range tests {
		var got []string
		for name, err := range b.store.Databases(context.Background(), tt.o) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, name)
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%+v: got %v, want %v", tt.o, got, tt.want)
		}
	}
	if _, err := b.store.CreateDatabase(context.Background(), "Bad", storage.CreateOptions{}); !errors.Is(err, &couch.Error{Kind: couch.IllegalDatabaseName}) {
		t.Errorf("a bad name: %v", err)
	}
}

func TestRevsDiff(t *testing.T) {
	db := newBench(t).create("alpha")
	push(t, db, "d", false, 3, []string{"c", "b", "a"}, `{}`)
	push(t, db, "d", false, 2, []string{"x", "a"}, `{}`)
	r := func(s string) couch.RevID { return parseRev(t, s) }
	got, err := db.RevsDiff(context.Background(), []couch.RevsAsk{
		{ID: "d", Revs: []couch.RevID{r("9-z"), r("3-c"), r("1-a"), r("4-y"), r("4-y")}},
		{ID: "d", Revs: []couch.RevID{r("2-x")}},
		{ID: "new", Revs: []couch.RevID{r("2-q"), r("1-p"), r("2-q")}},
		{ID: "none"},
	})
	if err != nil || len(got) != 2 {
		t.Fatalf("got %v, %v", got, err)
	}
	if d := got[0]; !slices.Equal(d.Missing, []couch.RevID{r("4-y"), r("9-z")}) || !slices.Equal(d.PossibleAncestors, []couch.RevID{r("3-c"), r("2-x")}) {
		t.Errorf("got %v", d)
	}
	if d := got[1]; !slices.Equal(d.Missing, []couch.RevID{r("2-q"), r("1-p"), r("2-q")}) || d.PossibleAncestors != nil {
		t.Errorf("got %v", d)
	}
}
