// Package storagetest gives tests of the rooms above storage a store of their own, on
// the real engine and a file system in memory.
package storagetest

import (
	"bytes"
	"context"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"settle/storage"
	"settle/storage/check"
	"settle/storage/couch"
	"settle/storage/crypt"
	"settle/storage/docjson"
	"settle/storage/kv"
)

// Open returns an empty store, which is closed and checked at the end of the test. with
// change what it is opened with.
func Open(t testing.TB, with ...func(*storage.Options)) *storage.Store {
	t.Helper()
	keyring, err := crypt.NewKeyring()
	if err != nil {
		t.Fatal(err)
	}
	fs := vfs.NewMem()
	engine, err := kv.OpenPebble(kv.PebbleOptions{FS: crypt.NewFS(fs, keyring), Dir: "data", ReserveBytes: -1})
	if err != nil {
		t.Fatal(err)
	}
	options := storage.Options{KV: engine, Keyring: keyring, BlobFS: fs, BlobDir: "data/blobs"}
	for _, change := range with {
		change(&options)
	}
	store, err := storage.Open(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		store.Close() // and with it what changes the store in the background
		o := check.Options{KV: engine, Keyring: keyring, BlobFS: fs, BlobDir: "data/blobs"}
		if _, err := check.Run(context.Background(), o, func(f check.Finding) { t.Errorf("check: %s", f) }); err != nil {
			t.Errorf("check: %v", err)
		}
		engine.Close()
	})
	return store
}

// Database makes a database.
func Database(t testing.TB, store *storage.Store, name string, o storage.CreateOptions) *storage.Database {
	t.Helper()
	db, err := store.CreateDatabase(t.Context(), name, o)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// Write makes an interactive edit of each document, JSON, and returns the revisions.
func Write(t testing.TB, db *storage.Database, docs ...string) []couch.RevID {
	t.Helper()
	var batch []*couch.Document
	for _, text := range docs {
		parsed, err := docjson.NewReader(bytes.NewReader([]byte(text))).Document(docjson.Options{})
		if err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		batch = append(batch, &couch.Document{ID: parsed.ID, Deleted: parsed.Deleted, Revisions: parsed.Revisions, Body: parsed.Body})
	}
	results, err := db.BulkDocs(t.Context(), storage.Docs(batch...))
	if err != nil {
		t.Fatal(err)
	}
	var revs []couch.RevID
	for _, r := range results {
		if r.Err != nil {
			t.Fatalf("%s: %v", r.ID, r.Err)
		}
		revs = append(revs, r.Rev)
	}
	return revs
}
