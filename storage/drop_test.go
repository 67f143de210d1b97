package storage_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	iofs "io/fs"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"settle/storage"
	"settle/storage/couch"
	"settle/storage/crypt"
	"settle/storage/kv"
)

// TestDroppedIsGone looks for a dropped database's wrapped key with the keyring
// in hand, in every decrypted file, and for its blobs on the disk.
func TestDroppedIsGone(t *testing.T) {
	b := newBench(t)
	ctx := context.Background()
	kept, db := b.create("kept"), b.create("dropped")
	for _, d := range []*storage.Database{kept, db} {
		mustPut(t, d, "d", "", `{}`, blob(t, d, "large", "text/plain", strings.Repeat("large ", 50_000)))
	}
	var wrapped [][]byte
	err := b.kv.View(ctx, kv.Partition{7: 2}, func(r kv.Reader) error {
		for row, err := range r.Scan(ctx, kv.Range{}) {
			if err != nil {
				return err
			}
			wrapped = append(wrapped, bytes.Clone(row.Value))
		}
		return nil
	})
	if err != nil || len(wrapped) != 2 {
		t.Fatalf("%d wrapped keys, %v", len(wrapped), err)
	}
	if !inSomeFile(t, b, wrapped[1]) {
		t.Fatal("the wrapped key is in no file before the drop: the test looks in the wrong place")
	}
	if err := b.store.DropDatabase(ctx, "dropped"); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Get(ctx, "d", couch.GetOptions{}); !errors.Is(err, couch.ErrDatabaseMissing) {
		t.Errorf("a handle of the dropped database: %v", err)
	}
	if _, err := db.PutLocal(ctx, &couch.LocalDocument{ID: "_local/x", Body: couch.Body{Text: []byte("{}")}}); !errors.Is(err, couch.ErrDatabaseMissing) {
		t.Errorf("writing to the dropped database: %v", err)
	}
	b.store.WaitForBackground()
	if inSomeFile(t, b, wrapped[1]) {
		t.Error("the dropped database's wrapped key is still in a live file")
	}
	if !inSomeFile(t, b, wrapped[0]) {
		t.Error("the kept database's wrapped key is in no file")
	}
	if n := len(blobFiles(t, b.fs, "data/blobs")); n != 1 {
		t.Errorf("%d blob files are left, want the kept database's one", n)
	}
	if got := content(t, kept, "d", mustWinner(t, kept, "d"), "large"); len(got) != 300_000 {
		t.Errorf("the kept attachment has %d bytes", len(got))
	}
}

// A drop that is in the directory has succeeded: whoever has the database open loses it
// when its rows go, where that does not work at once.
func TestDropIsNotEndedAtOnce(t *testing.T) {
	b := newBench(t)
	var left atomic.Int64 // updates before the one that fails
	b.update = func(_ []kv.UpdateOption, run func() error) error {
		if left.Add(-1) == -1 {
			return errors.New("broken")
		}
		return run()
	}
	var log bytes.Buffer
	b.logger = slog.New(slog.NewTextHandler(&log, nil))
	left.Store(1000)
	b.reopen()
	db := b.create("alpha")
	mustPut(t, db, "d", "", `{}`, blob(t, db, "large", "text/plain", strings.Repeat("large ", 50_000)))
	b.store.WaitForBackground()
	left.Store(1) // that of the directory
	if err := b.store.DropDatabase(t.Context(), "alpha"); err != nil {
		t.Error(err)
	}
	b.store.WaitForBackground()
	if _, err := db.Get(t.Context(), "d", couch.GetOptions{}); !errors.Is(err, couch.ErrDatabaseMissing) {
		t.Errorf("a handle of the dropped database: %v", err)
	}
	if n := len(blobFiles(t, b.fs, "data/blobs")); n != 0 {
		t.Errorf("%d files are left", n)
	}
	if got := log.String(); strings.Count(got, "level=WARN") != 1 || !strings.Contains(got, "broken") {
		t.Errorf("logged: %s", got)
	}
}

func mustWinner(t testing.TB, db *storage.Database, id couch.DocID) string {
	t.Helper()
	doc, err := db.Get(context.Background(), id, couch.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return doc.Rev().String()
}

// inSomeFile reports whether a decrypted file of the store holds the bytes.
func inSomeFile(t testing.TB, b *bench, what []byte) bool {
	t.Helper()
	sealed := crypt.NewFS(b.fs, b.keyring)
	names, err := sealed.List("data")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if info, err := sealed.Stat("data/" + name); err != nil || info.IsDir() {
			continue
		}
		f, err := sealed.Open("data/" + name)
		if err != nil {
			continue // no file of the engine's
		}
		plain, _ := io.ReadAll(f)
		f.Close()
		if bytes.Contains(plain, what) {
			return true
		}
	}
	return false
}

// blobFiles returns the paths of all files below a directory.
func blobFiles(t testing.TB, fs vfs.FS, dir string) []string {
	t.Helper()
	names, err := fs.List(dir)
	if err != nil {
		return nil
	}
	var files []string
	for _, name := range names {
		path := fs.PathJoin(dir, name)
		info, err := fs.Stat(path)
		switch {
		case errors.Is(err, iofs.ErrNotExist): // the engine removes files in the background
		case err != nil:
			t.Fatal(err)
		case info.IsDir():
			files = append(files, blobFiles(t, fs, path)...)
		default:
			files = append(files, path)
		}
	}
	return files
}

func TestDropAndMakeAgain(t *testing.T) {
	b := newBench(t)
	ctx := context.Background()
	old := b.create("alpha")
	mustPut(t, old, "d", "", `{"old":true}`)
	seq := old.FormatSeq(1)
	if _, err := b.store.CreateDatabase(ctx, "alpha", storage.CreateOptions{}); !errors.Is(err, couch.ErrDatabaseExists) {
		t.Errorf("making it twice: %v", err)
	}
	woken := old.Wait()
	if err := b.store.DropDatabase(ctx, "alpha"); err != nil {
		t.Fatal(err)
	}
	<-woken // a feed on the dropped database ends
	if err := b.store.DropDatabase(ctx, "alpha"); !errors.Is(err, couch.ErrDatabaseMissing) {
		t.Errorf("dropping it twice: %v", err)
	}
	db := b.create("alpha")
	if got := get(t, db, "d", couch.GetOptions{}); got != "missing" {
		t.Errorf("the new database has the old document: %s", got)
	}
	mustPut(t, db, "d", "", `{"new":true}`)
	if n, err := db.ParseSeq(seq, 1); err != nil || n != 0 {
		t.Errorf("a sequence of the dropped database is %d, %v, want 0", n, err)
	}
}
