package storage_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"settle/attachments"
	"settle/storage/couch"
)

// A content that is removed between its record and its file is not found; one whose
// file alone is missing is damaged.
func TestReadBlobBesideRemoval(t *testing.T) {
	for _, tt := range []struct {
		name   string
		remove func(b *bench, rev string) error
		want   error
	}{
		{"purged", func(b *bench, rev string) error {
			db, err := b.store.Database(context.Background(), "alpha")
			if err == nil {
				_, err = db.Purge(context.Background(), []couch.RevsAsk{revsAsk(b.t, []string{"doc", rev})})
			}
			return err
		}, couch.ErrNotFound},
		{"dropped", func(b *bench, _ string) error {
			err := b.store.DropDatabase(context.Background(), "alpha")
			b.store.WaitForBackground()
			return err
		}, couch.ErrDatabaseMissing},
		{"lost", func(b *bench, _ string) error {
			for _, file := range blobFiles(b.t, b.fs, "data/blobs") {
				if err := b.fs.Remove(file); err != nil {
					return err
				}
			}
			return nil
		}, attachments.ErrFileMissing},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var onOpen func() error
			mem := vfs.NewMem()
			b := newBenchOn(t, errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
				do := onOpen
				if op.Kind != errorfs.OpOpen || !strings.Contains(op.Path, "blobs") || do == nil {
					return nil
				}
				onOpen = nil
				return do()
			})))
			db := b.create("alpha")
			content := strings.Repeat("x", 100_000)
			rev := mustPut(t, db, "doc", "", `{}`, blob(t, db, "a", "text/plain", content))
			doc, err := db.Get(context.Background(), "doc", couch.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			read := func(offset, length int64) (string, error) {
				r, err := db.ReadBlob(context.Background(), doc.Attachments[0], offset, length)
				if err != nil {
					return "", err
				}
				defer r.Close()
				text, err := io.ReadAll(r)
				return string(text), err
			}
			if got, err := read(5, 70_000); err != nil || got != content[5:70_005] {
				t.Errorf("%d bytes, %v", len(got), err)
			}
			if _, err := read(100_001, -1); !errors.Is(err, &couch.Error{Kind: couch.RangeNotSatisfiable}) {
				t.Errorf("behind the end: %v", err)
			}
			onOpen = func() error { return tt.remove(b, rev) }
			if _, err := read(0, -1); !errors.Is(err, tt.want) {
				t.Errorf("%v, want %v", err, tt.want)
			}
			if tt.name == "lost" {
				mustPurge(t, b, rev)
			}
		})
	}
}

// mustPurge removes the document whose content was lost, so that the rest is sound.
func mustPurge(t *testing.T, b *bench, rev string) {
	t.Helper()
	db, err := b.store.Database(context.Background(), "alpha")
	if err != nil {
		t.Fatal(err)
	}
	purge(t, db, []string{"doc", rev})
}
