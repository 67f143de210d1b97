package access_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"settle/server/access"
	"settle/server/auth"
	"settle/server/changes"
	"settle/server/databases"
	"settle/server/documents"
	"settle/storage"
	"settle/storage/couch"
	"settle/storage/metaview"
	"settle/storage/storagetest"
)

var (
	_ documents.Database = (*access.Database)(nil)
	_ databases.Database = (*access.Database)(nil)
	_ changes.Database   = (*access.Database)(nil)
)

// openDatabase makes a database in memory.
func openDatabase(t *testing.T) *storage.Database {
	t.Helper()
	return storagetest.Database(t, storagetest.Open(t), "db", storage.CreateOptions{})
}

func put(t *testing.T, db documents.Database, id, text string) {
	t.Helper()
	if _, err := db.PutLocal(t.Context(), &couch.LocalDocument{ID: couch.DocID(id), Body: couch.Body{Text: []byte(text)}}); err != nil {
		t.Fatal(err)
	}
}

func get(db documents.Database, id string) string {
	doc, err := db.GetLocal(context.Background(), couch.DocID(id))
	if err != nil {
		return err.Error()
	}
	if string(doc.ID) != id {
		return "the id is " + string(doc.ID)
	}
	return string(doc.Body.Text)
}

func list(t *testing.T, db databases.Database, o couch.AllDocsOptions) string {
	t.Helper()
	var ids []string
	for doc, err := range db.LocalDocs(t.Context(), o) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, strings.TrimPrefix(string(doc.ID), "_local/"))
	}
	return strings.Join(ids, " ")
}

func TestLocalDocumentsAreTheReadersOwn(t *testing.T) {
	plain := openDatabase(t)
	as := func(name string, role auth.Role) *access.Database {
		return access.NewDatabase(metaview.Ordinary(plain), couch.UserCtx{Name: name}, role)
	}
	ida, eve, member := as("ida", auth.Reader), as("ida/", auth.Reader), as("ida", auth.Member)
	put(t, ida, "_local/c", `{"by":"ida"}`)
	put(t, eve, "_local/c", `{"by":"eve"}`)
	put(t, member, "_local/c", `{"by":"member"}`)
	for want, db := range map[string]*access.Database{`{"by":"ida"}`: ida, `{"by":"eve"}`: eve, `{"by":"member"}`: member} {
		if got := get(db, "_local/c"); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if got := list(t, db, couch.AllDocsOptions{Limit: -1}); got != "c" {
			t.Errorf("%s lists %q", want, got)
		}
	}
	var stored []couch.DocID
	for doc := range plain.LocalDocs(t.Context(), couch.AllDocsOptions{Limit: -1}) {
		stored = append(stored, doc.ID)
	}
	if len(stored) != 3 {
		t.Fatalf("stored are %q", stored)
	}
	for _, id := range stored {
		if id == "_local/c" {
			continue
		}
		for _, db := range []*access.Database{ida, eve, member} {
			if got := get(db, string(id)); got != "missing" {
				t.Errorf("%q is read as %s", id, got)
			}
			if err := db.DeleteLocal(t.Context(), id); !errors.Is(err, couch.ErrNotFound) {
				t.Errorf("%q is deleted: %v", id, err)
			}
		}
		if _, err := member.PutLocal(t.Context(), &couch.LocalDocument{ID: id, Body: couch.Body{Text: []byte("{}")}}); !errors.Is(err, &couch.Error{Kind: couch.Forbidden}) {
			t.Errorf("%q is written: %v", id, err)
		}
	}
	if err := ida.DeleteLocal(t.Context(), "_local/c"); err != nil {
		t.Fatal(err)
	}
	if got := get(ida, "_local/c") + get(eve, "_local/c") + get(member, "_local/c"); got != `missing{"by":"eve"}{"by":"member"}` {
		t.Error(got)
	}
	nobody := as("", auth.Reader)
	if _, err := nobody.PutLocal(t.Context(), &couch.LocalDocument{ID: "_local/x", Body: couch.Body{Text: []byte("{}")}}); err == nil {
		t.Error("a reader without a name writes")
	}
}

func TestListing(t *testing.T) {
	plain := openDatabase(t)
	reader := access.NewDatabase(metaview.Ordinary(plain), couch.UserCtx{Name: "ida"}, auth.Reader)
	member := access.NewDatabase(metaview.Ordinary(plain), couch.UserCtx{Name: "ida"}, auth.Member)
	put(t, access.NewDatabase(metaview.Ordinary(plain), couch.UserCtx{Name: "eve"}, auth.Reader), "_local/b", "{}")
	for _, id := range []string{"a", "b", "c", "d"} {
		put(t, reader, "_local/"+id, "{}")
		put(t, member, "_local/"+id, "{}")
	}
	id := func(s string) *couch.DocID { id := couch.DocID("_local/" + s); return &id }
	for _, o := range []struct {
		o    couch.AllDocsOptions
		want string
	}{
		{couch.AllDocsOptions{Limit: -1}, "a b c d"},
		{couch.AllDocsOptions{Limit: 0}, ""},
		{couch.AllDocsOptions{Limit: 2, Skip: 1}, "b c"},
		{couch.AllDocsOptions{Limit: -1, Descending: true}, "d c b a"},
		{couch.AllDocsOptions{Limit: -1, Start: id("b"), End: id("c")}, "b c"},
		{couch.AllDocsOptions{Limit: -1, Start: id("b"), End: id("c"), ExclusiveEnd: true}, "b"},
		{couch.AllDocsOptions{Limit: -1, Descending: true, Start: id("c"), End: id("b")}, "c b"},
		{couch.AllDocsOptions{Limit: 1, Descending: true, Start: id("c"), Skip: 1}, "b"},
		{couch.AllDocsOptions{Limit: -1, Start: id("x")}, ""},
	} {
		for _, db := range []*access.Database{reader, member} {
			if got := list(t, db, o.o); got != o.want {
				t.Errorf("%+v: %q, want %q", o.o, got, o.want)
			}
		}
	}
	if !slices.IsSorted(strings.Fields(list(t, reader, couch.AllDocsOptions{Limit: -1}))) {
		t.Error("out of order")
	}
}

func TestWriting(t *testing.T) {
	plain := openDatabase(t)
	ids := []couch.DocID{"a", "_design/d", "b"}
	batch := func(yield func(*couch.Document, error) bool) {
		for _, id := range ids {
			if !yield(&couch.Document{ID: id, Revisions: couch.PathTo(couch.RevID{Gen: 1, Hash: "x"}), Body: couch.Body{Text: []byte("{}")}}, nil) {
				return
			}
		}
	}
	const noAdmin, noWriter = "You are not a db or server admin.", "You may read this db, but not write to it."
	for _, tt := range []struct {
		user couch.UserCtx
		role auth.Role
		want []string
	}{
		{couch.UserCtx{Name: "ida"}, auth.Reader, []string{noWriter, noAdmin, noWriter}},
		{couch.UserCtx{}, auth.Member, []string{"", noAdmin, ""}},
		{couch.UserCtx{Name: "ida"}, auth.Member, []string{"", noAdmin, ""}},
		{couch.UserCtx{Name: "ida"}, auth.Admin, []string{"", "", ""}},
	} {
		db := access.NewDatabase(metaview.Ordinary(plain), tt.user, tt.role)
		results, err := db.PutRevs(t.Context(), batch)
		if err != nil || len(results) != len(ids) {
			t.Fatal(results, err)
		}
		for i, result := range results {
			got := ""
			if result.Err != nil {
				got = result.Err.Error()
			}
			if got != tt.want[i] || result.ID != ids[i] {
				t.Errorf("%+v writes %s: %+v", tt.user, ids[i], result)
			}
			if kind := (&couch.Error{Kind: couch.Unauthorized}); result.Err != nil && errors.Is(result.Err, kind) != (tt.user.Name == "") {
				t.Errorf("%+v writes %s: %v", tt.user, ids[i], result.Err)
			}
		}
		for _, replicated := range []bool{true, false} {
			late, err := db.Bulk(t.Context(), batch, func() (bool, error) { return replicated, nil })
			if err != nil || len(late) != len(ids) {
				t.Fatal(late, err)
			}
			for i := range late {
				if late[i].ID != ids[i] || (tt.want[i] != "") != access.IsRefusal(late[i].Err) && replicated {
					t.Errorf("%+v writes %s in a batch of late kind: %+v", tt.user, ids[i], late[i])
				}
				if tt.want[i] != "" && late[i].Err.Error() != tt.want[i] {
					t.Errorf("%+v writes %s in a batch of late kind: %v", tt.user, ids[i], late[i].Err)
				}
			}
		}
		if err := db.SetSecurity(t.Context(), []byte("{}")); (err == nil) != (tt.role == auth.Admin) {
			t.Errorf("%+v sets the security: %v", tt.user, err)
		}
	}
	broken := errors.New("broken")
	if _, err := access.NewDatabase(metaview.Ordinary(plain), couch.UserCtx{}, auth.Member).BulkDocs(t.Context(), func(yield func(*couch.Document, error) bool) {
		_ = yield(&couch.Document{ID: "c", Body: couch.Body{Text: []byte("{}")}}, nil) && yield(nil, broken)
	}); !errors.Is(err, broken) {
		t.Errorf("a broken batch: %v", err)
	}
	if _, err := plain.Get(t.Context(), "c", couch.GetOptions{}); !errors.Is(err, couch.ErrNotFound) {
		t.Errorf("it was written in part: %v", err)
	}
}
