package storage_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"settle/storage"
	"settle/storage/check"
	"settle/storage/couch"
	"settle/storage/docjson"
	"settle/storage/kv"
)

// TestFlippedBits flips bits of every file of a small store. Reading the store
// must then give an error, or all that it gave before.
func TestFlippedBits(t *testing.T) {
	b := newBench(t)
	plant(t, b)
	b.close()
	want, err := (&bench{t: t, fs: copyFS(t, b.fs), dir: b.dir, keyring: b.keyring}).openAndRead()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"upload", "delivery", "setting"} { // and all that is beside them
		if !strings.Contains(want, planted[name]) {
			t.Fatalf("no %s is read", name)
		}
	}
	rng := rand.New(rand.NewPCG(1, 2))
	failed, harmless := 0, 0
	for _, path := range blobFiles(t, b.fs, "data") {
		sound := readFile(t, b.fs, path)
		for range min(40, len(sound)) {
			forged := bytes.Clone(sound)
			bit := rng.IntN(len(forged) * 8)
			forged[bit/8] ^= 1 << (bit % 8)
			copied := copyFS(t, b.fs)
			writeFile(t, copied, path, forged)
			got, err := (&bench{t: t, fs: copied, dir: b.dir, keyring: b.keyring}).openAndRead()
			switch {
			case err != nil:
				failed++
			case got != want:
				t.Errorf("%s, bit %d: the store gives other answers, and no error", path, bit)
			default:
				harmless++
			}
		}
	}
	if failed == 0 {
		t.Error("no flip was noticed")
	}
	t.Logf("%d flips gave errors, %d had no effect", failed, harmless)
	b.open()
}

func (b *bench) openAndRead() (string, error) {
	if err := b.tryOpen(); err != nil {
		return "", err
	}
	defer b.kv.Close()
	defer b.store.Close()
	return everything(b)
}

// copyFS copies the files of a store into a new file system.
func copyFS(t testing.TB, from vfs.FS) vfs.FS {
	t.Helper()
	to := vfs.NewMem()
	for _, path := range blobFiles(t, from, "data") {
		if err := to.MkdirAll(from.PathDir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		writeFile(t, to, path, readFile(t, from, path))
	}
	return to
}

// everything reads all that a store holds, as one text.
func everything(b *bench) (string, error) {
	var out strings.Builder
	ctx := context.Background()
	setting, err := b.store.Setting(ctx, "x")
	if err != nil {
		return "", err
	}
	fmt.Fprintln(&out, b.store.UUID(), string(setting))
	for name, err := range b.store.Databases(ctx, storage.NameRange{Limit: -1}) {
		if err != nil {
			return "", err
		}
		db, err := b.store.Database(ctx, name)
		if err != nil {
			return "", err
		}
		if err := readDatabase(b, db, &out); err != nil {
			return "", err
		}
	}
	return out.String(), nil
}

func readDatabase(b *bench, db *storage.Database, out *strings.Builder) error {
	ctx := context.Background()
	info, err := db.Info(ctx)
	if err != nil {
		return err
	}
	security, err := db.Security(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, info, string(security))
	for c, err := range db.Changes(ctx, couch.ChangesOptions{AllLeaves: true, IncludeDocs: true}) {
		if err != nil {
			return err
		}
		fmt.Fprintln(out, c.Seq, c.ID, c.Revs, string(docjson.AppendDocument(nil, c.Doc, docjson.Print{})))
		for _, a := range c.Doc.Attachments {
			if err := readAttachment(db, a, out); err != nil {
				return err
			}
		}
	}
	for d, err := range db.LocalDocs(ctx, couch.AllDocsOptions{Limit: -1}) {
		if err != nil {
			return err
		}
		fmt.Fprintln(out, d.ID, string(d.Body.Text))
	}
	return readArrivals(b, db, out)
}

func readAttachment(db *storage.Database, a couch.Attachment, out *strings.Builder) error {
	blob, err := db.OpenBlob(context.Background(), a)
	if err != nil {
		return err
	}
	r, err := blob.Reader(0, -1)
	if err != nil {
		return err
	}
	defer r.Close()
	var content bytes.Buffer
	if _, err := content.ReadFrom(r); err != nil {
		return err
	}
	out.Write(content.Bytes())
	return nil
}

// TestMovedRowsDoNotOpen puts rows, as the engine would hold them, in places that
// they do not belong to.
func TestMovedRowsDoNotOpen(t *testing.T) {
	b := newBench(t)
	ctx := context.Background()
	one, two := b.create("one"), b.create("two")
	for _, db := range []*storage.Database{one, two} {
		for _, id := range []string{"a", "b"} {
			rev := mustPut(t, db, id, "", `{"id":"`+id+`","db":"`+db.Name()+`"}`, blob(t, db, "x", "text/plain", "content of "+id))
			mustPut(t, db, id, rev, `{"second":"`+id+`"}`, couch.Attachment{Name: "x", Stub: true})
		}
	}
	tests := []struct {
		name     string
		kind     byte
		from, to int // places among the rows of a kind
		database bool
	}{
		{"a body of another document", 'b', 3, 1, false},
		{"a body of another revision", 'b', 0, 1, false},
		{"a body of another database", 'b', 1, 1, true},
		{"a blob of another name", 'a', 0, 1, false},
		{"a blob of another database", 'a', 0, 0, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			source, target := kv.Partition{7: 16}, kv.Partition{7: 16}
			if tt.database {
				source = kv.Partition{7: 17}
			}
			moved := rowsOf(t, b, source, tt.kind)[tt.from]
			victim := rowsOf(t, b, target, tt.kind)[tt.to]
			setRow(t, b, target, victim.Key, moved.Value)
			defer setRow(t, b, target, victim.Key, victim.Value)
			var out strings.Builder
			if err := readDatabase(b, one, &out); !errors.Is(err, couch.ErrCorrupt) {
				t.Errorf("reading gave %v, want an error of corruption, and\n%s", err, out.String())
			}
			found := 0
			if _, err := check.Run(ctx, b.checked(), func(check.Finding) { found++ }); err != nil || found == 0 {
				t.Errorf("the check found %d things, %v", found, err)
			}
		})
	}
}

func rowsOf(t testing.TB, b *bench, p kv.Partition, kind byte) []kv.KV {
	t.Helper()
	var rows []kv.KV
	err := b.kv.View(context.Background(), p, func(r kv.Reader) error {
		for row, err := range r.Scan(context.Background(), kv.Range{Lo: []byte{kind}, Hi: []byte{kind + 1}}) {
			if err != nil {
				return err
			}
			rows = append(rows, kv.KV{Key: bytes.Clone(row.Key), Value: bytes.Clone(row.Value)})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func setRow(t testing.TB, b *bench, p kv.Partition, key, value []byte) {
	t.Helper()
	err := b.kv.Update(context.Background(), p, func(tx kv.Tx) error {
		tx.Set(key, value)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
