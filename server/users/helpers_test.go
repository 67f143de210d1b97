package users_test

import (
	"context"
	"errors"
	"io"
	"iter"
	"strings"
	"testing"
	"time"

	"settle/server/auth"
	"settle/server/changes"
	"settle/server/databases"
	"settle/server/documents"
	"settle/server/users"
	"settle/storage"
	"settle/storage/couch"
	"settle/storage/docjson"
	"settle/storage/metaview"
	"settle/storage/storagetest"
)

var (
	_ documents.Database = (*users.Database)(nil)
	_ databases.Database = (*users.Database)(nil)
	_ changes.Database   = (*users.Database)(nil)
	_ users.Hasher       = (*auth.Auth)(nil)
	_ users.Store        = (*storage.Store)(nil)
)

// bench is a real store in memory with the database of users.
type bench struct {
	t      testing.TB
	store  *storage.Store
	db     *storage.Database
	auth   *auth.Auth
	policy users.Policy
}

func newBench(t testing.TB) *bench {
	t.Helper()
	b := &bench{t: t, store: storagetest.Open(t)}
	if err := users.Create(t.Context(), b.store); err != nil {
		t.Fatal(err)
	}
	var err error
	if b.db, err = b.store.Database(t.Context(), users.DatabaseName); err != nil {
		t.Fatal(err)
	}
	if b.auth, err = auth.Open(t.Context(), auth.Options{
		Settings: b.store, Users: &users.Remembered{Source: users.Source{Databases: b.store}}, User: "admin", Password: "pass",
		Policy: func() auth.Policy { return auth.Policy{SessionTimeout: time.Minute, Iterations: 10} },
	}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.auth.Close)
	return b
}

// as returns the database as somebody sees it; "" is anonymous, "admin" the
// server's administrator. Others are members.
func (b *bench) as(name string) *users.Database {
	by := users.Access{User: couch.UserCtx{Name: name}, Role: auth.Member}
	switch name {
	case "admin":
		by = users.Access{User: couch.UserCtx{Name: name, Roles: []string{couch.AdminRole}}, Role: auth.Admin}
	case "keeper":
		by.Role = auth.Admin // of the database only
	}
	return users.NewDatabase(metaview.Ordinary(b.db), by, b.policy, b.auth)
}

// document reads a document from JSON.
func (b *bench) document(text string) *couch.Document {
	b.t.Helper()
	parsed, err := docjson.NewReader(strings.NewReader(text)).Document(docjson.Options{Store: b.storeContent})
	if err != nil {
		b.t.Fatalf("%s: %v", text, err)
	}
	doc := &couch.Document{ID: parsed.ID, Deleted: parsed.Deleted, Revisions: parsed.Revisions, Body: parsed.Body}
	for _, a := range parsed.Attachments {
		doc.Attachments = append(doc.Attachments, a.Attachment)
	}
	return doc
}

func (b *bench) storeContent(name string, content io.Reader) (couch.Attachment, error) {
	pending, err := b.db.WriteBlob(b.t.Context(), content, 0)
	if err != nil {
		return couch.Attachment{}, err
	}
	return couch.Attachment{Name: name, Blob: pending.BlobID(), Pending: pending, Digest: pending.Digest(), Length: pending.Length()}, nil
}

func one(doc *couch.Document) iter.Seq2[*couch.Document, error] {
	return func(yield func(*couch.Document, error) bool) { yield(doc, nil) }
}

// put writes a document and returns its revision.
func (b *bench) put(db *users.Database, text string) (string, error) {
	b.t.Helper()
	results, err := db.BulkDocs(b.t.Context(), one(b.document(text)))
	if err != nil {
		return "", err
	}
	return results[0].Rev.String(), results[0].Err
}

// mustPut writes a document as the administrator.
func (b *bench) mustPut(text string) string {
	b.t.Helper()
	rev, err := b.put(b.as("admin"), text)
	if err != nil {
		b.t.Fatalf("%s: %v", text, err)
	}
	return rev
}

// get returns a document's text, or the error's.
func get(db *users.Database, id string) string {
	doc, err := db.Get(context.Background(), couch.DocID(id), couch.GetOptions{})
	if err != nil {
		return err.Error()
	}
	return string(doc.Body.Text)
}

// reason is the error's, "ok" for none.
func reason(err error) string {
	if err == nil {
		return "ok"
	}
	return err.Error()
}

func isKind(err error, kind couch.Kind) bool { return errors.Is(err, &couch.Error{Kind: kind}) }
