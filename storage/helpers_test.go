package storage_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"settle/storage"
	"settle/storage/check"
	"settle/storage/couch"
	"settle/storage/crypt"
	"settle/storage/docjson"
	"settle/storage/kv"
)

// bench is a store on a file system of its own, which can be closed and opened
// again.
type bench struct {
	t       testing.TB
	fs      vfs.FS
	dir     string
	keyring *crypt.Keyring
	kv      *kv.Pebble
	store   *storage.Store
	compact storage.AutoCompaction
	keep    time.Duration // of ancestors' attachments
	now     func() time.Time
	logger  *slog.Logger
	update  func(opts []kv.UpdateOption, run func() error) error // nil: run it

	validator storage.Validator
}

// newBench opens an empty store in memory. At the end of the test the store is
// checked and closed.
func newBench(t testing.TB) *bench {
	t.Helper()
	return newBenchOn(t, vfs.NewMem())
}

func newBenchOn(t testing.TB, fs vfs.FS) *bench {
	t.Helper()
	return newBenchIn(t, fs, "data")
}

func newBenchIn(t testing.TB, fs vfs.FS, dir string) *bench {
	t.Helper()
	keyring, err := crypt.NewKeyring()
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, fs: fs, dir: dir, keyring: keyring}
	b.compact.MinBytes = -1 // unless a test wants it
	b.open()
	t.Cleanup(func() {
		if b.store != nil {
			b.check()
			b.close()
		}
	})
	return b
}

func (b *bench) open() {
	b.t.Helper()
	if err := b.tryOpen(); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) tryOpen() (err error) {
	b.kv, err = kv.OpenPebble(kv.PebbleOptions{FS: crypt.NewFS(b.fs, b.keyring), Dir: b.dir, ReserveBytes: -1})
	if err != nil {
		return err
	}
	b.store, err = storage.Open(context.Background(), storage.Options{KV: b.engine(), Keyring: b.keyring, BlobFS: b.fs, BlobDir: b.fs.PathJoin(b.dir, "blobs"), Compact: b.compact, Now: b.now, Logger: b.logger, Validator: b.validator})
	if err != nil {
		b.kv.Close()
		return err
	}
	b.store.SetKeepAncestors(b.keep)
	return nil
}

// engine is what the store stands on.
func (b *bench) engine() kv.Store {
	if b.update == nil {
		return b.kv
	}
	return &overseen{b.kv, b.update}
}

// overseen is an engine whose updates a test lets run.
type overseen struct {
	*kv.Pebble
	update func(opts []kv.UpdateOption, run func() error) error
}

func (o *overseen) Update(ctx context.Context, p kv.Partition, fn func(kv.Tx) error, opts ...kv.UpdateOption) error {
	return o.update(opts, func() error { return o.Pebble.Update(ctx, p, fn, opts...) })
}

// clock is one that a test sets, and the store's background reads meanwhile.
type clock struct{ nanoseconds atomic.Int64 }

// setClock lets the store have a clock, once it is opened again.
func (b *bench) setClock(now time.Time) *clock {
	c := &clock{}
	c.nanoseconds.Store(now.UnixNano())
	b.now = func() time.Time { return time.Unix(0, c.nanoseconds.Load()).UTC() }
	return c
}

func (c *clock) pass(d time.Duration) { c.nanoseconds.Add(int64(d)) }

func (b *bench) close() {
	b.t.Helper()
	if err := b.store.Close(); err != nil {
		b.t.Error(err)
	}
	if err := b.kv.Close(); err != nil {
		b.t.Error(err)
	}
	b.store = nil
}

func (b *bench) reopen() {
	b.t.Helper()
	b.close()
	b.open()
}

// check fails the test for every invariant that does not hold.
func (b *bench) check() check.Counts {
	b.t.Helper()
	counts, err := check.Run(context.Background(), b.checked(), func(f check.Finding) { b.t.Errorf("check: %s", f) })
	if err != nil {
		b.t.Errorf("check: %v", err)
	}
	return counts
}

// checked says what there is to check.
func (b *bench) checked() check.Options {
	return check.Options{KV: b.kv, Keyring: b.keyring, BlobFS: b.fs, BlobDir: b.fs.PathJoin(b.dir, "blobs")}
}

func (b *bench) create(name string) *storage.Database {
	b.t.Helper()
	db, err := b.store.CreateDatabase(context.Background(), name, storage.CreateOptions{})
	if err != nil {
		b.t.Fatal(err)
	}
	return db
}

// document reads a document as a client would send it.
func document(t testing.TB, id, text string) *couch.Document {
	t.Helper()
	p, err := docjson.NewReader(strings.NewReader(text)).Document(docjson.Options{})
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return &couch.Document{ID: couch.DocID(id), Deleted: p.Deleted, Revisions: p.Revisions, Body: p.Body}
}

// put makes an interactive edit, of rev where it is not empty.
func put(t testing.TB, db *storage.Database, id, rev, text string, atts ...couch.Attachment) couch.WriteResult {
	t.Helper()
	doc := document(t, id, text)
	doc.Revisions = couch.PathTo(parseRev(t, rev))
	doc.Attachments = atts
	results, err := db.BulkDocs(context.Background(), storage.Docs(doc))
	if err != nil {
		t.Fatalf("%s: %v", id, err)
	}
	return results[0]
}

// mustPut makes an edit that must be accepted, and returns its revision.
func mustPut(t testing.TB, db *storage.Database, id, rev, text string, atts ...couch.Attachment) string {
	t.Helper()
	r := put(t, db, id, rev, text, atts...)
	if r.Err != nil {
		t.Fatalf("%s: %v", id, r.Err)
	}
	return r.Rev.String()
}

// push stores a revision as a replicator does; path is newest first.
func push(t testing.TB, db *storage.Database, id string, deleted bool, start uint64, path []string, text string) {
	t.Helper()
	doc := document(t, id, text)
	doc.Deleted = deleted
	doc.Revisions = couch.Revisions{Start: start, Hashes: path}
	results, err := db.PutRevs(context.Background(), storage.Docs(doc))
	if err != nil {
		t.Fatalf("%s: %v", id, err)
	}
	if results[0].Err != nil {
		t.Fatalf("%s: %v", id, results[0].Err)
	}
}

func parseRev(t testing.TB, s string) couch.RevID {
	t.Helper()
	if s == "" {
		return couch.RevID{}
	}
	rev, err := couch.ParseRev(s)
	if err != nil {
		t.Fatal(err)
	}
	return rev
}

// blob writes new content for an attachment.
func blob(t testing.TB, db *storage.Database, name, contentType, content string) couch.Attachment {
	t.Helper()
	p, err := db.WriteBlob(context.Background(), strings.NewReader(content), 0)
	if err != nil {
		t.Fatal(err)
	}
	return couch.Attachment{Name: name, ContentType: contentType, Length: p.Length(), Digest: p.Digest(), Pending: p}
}

// get returns a document as CouchDB prints it, or the error's text.
func get(t testing.TB, db *storage.Database, id string, o couch.GetOptions) string {
	t.Helper()
	doc, err := db.Get(context.Background(), couch.DocID(id), o)
	if err != nil {
		return err.Error()
	}
	return string(docjson.AppendDocument(nil, doc, docjson.Print{Revs: o.Revs}))
}

// feed returns the changes since a sequence, one line each.
func feed(t testing.TB, db *storage.Database, o couch.ChangesOptions) []string {
	t.Helper()
	var out []string
	for c, err := range db.Changes(context.Background(), o) {
		if err != nil {
			t.Fatal(err)
		}
		line := fmt.Sprintf("%d %s", c.Seq, c.ID)
		for _, rev := range c.Revs {
			line += " " + rev.String()
		}
		if c.Deleted {
			line += " deleted"
		}
		out = append(out, line)
	}
	return out
}
