package storage_test

import (
	"context"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"settle/storage"
	"settle/storage/couch"
	"settle/storage/kv"
	"settle/storage/schema"
)

// blobLike writes new content of which the client says the digest.
func blobLike(t testing.TB, db *storage.Database, name, content string, digest couch.Digest) couch.Attachment {
	t.Helper()
	p, err := db.WriteBlobLike(context.Background(), strings.NewReader(content), 0, digest)
	if err != nil {
		t.Fatal(err)
	}
	return couch.Attachment{Name: name, Length: p.Length(), Digest: p.Digest(), Pending: p}
}

// Equal contents are one blob, whoever brings them, and however: with the digest, in
// the same document, in the same batch.
func TestEqualContentsAreOneBlob(t *testing.T) {
	b := newBench(t)
	db := b.create("alpha")
	for size, large := range map[string]string{"small": "abc", "large": strings.Repeat("abc", 50_000)} {
		r1 := mustPut(t, db, size, "", `{"v":1}`, blob(t, db, "a", "text/plain", large), blob(t, db, "b", "text/html", large))
		first, err := db.Get(context.Background(), couch.DocID(size), couch.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		r2 := mustPut(t, db, size, r1, `{"v":2}`, blob(t, db, "a", "text/plain", large))
		mustPut(t, db, size, r2, `{"v":3}`, blobLike(t, db, "c", large, first.Attachments[0].Digest))
		one, two := document(t, size+"1", `{}`), document(t, size+"2", `{}`)
		one.Attachments = []couch.Attachment{blob(t, db, "a", "text/plain", large+"x")}
		two.Attachments = []couch.Attachment{blob(t, db, "b", "text/plain", large+"x")}
		if _, err := db.BulkDocs(context.Background(), storage.Docs(one, two)); err != nil {
			t.Fatal(err)
		}
		if got := content(t, db, size, "", "c"); got != large {
			t.Errorf("%s: %d bytes", size, len(got))
		}
	}
	if n := b.check().Blobs; n != 4 {
		t.Errorf("%d blobs, want 4", n)
	}
	if n := len(blobFiles(t, b.fs, "data/blobs")); n != 2 {
		t.Errorf("%d files, want 2", n)
	}
	other := b.create("beta")
	mustPut(t, other, "d", "", `{}`, blob(t, other, "a", "text/plain", "abc"))
	if n := b.check().Blobs; n != 5 {
		t.Errorf("%d blobs with another database's, want 5", n)
	}
}

// writes counts the bytes that go to the files of blobs.
type writes struct {
	vfs.FS
	n *int
}

type countedFile struct {
	vfs.File
	n *int
}

// Create counts what is written.
func (w writes) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := w.FS.Create(name, c)
	if strings.Contains(name, "blobs") {
		f = countedFile{f, w.n}
	}
	return f, err
}

// Write counts.
func (f countedFile) Write(b []byte) (int, error) {
	*f.n += len(b)
	return f.File.Write(b)
}

// Content with the digest of a stored one is compared while it arrives: nothing is
// written while it is equal, and a wrong digest changes nothing of what is stored.
func TestComparedWhileItArrives(t *testing.T) {
	n := 0
	b := newBenchOn(t, writes{vfs.NewMem(), &n})
	db := b.create("alpha")
	large := strings.Repeat("0123456789abcdef", 20_000)
	rev := mustPut(t, db, "d", "", `{}`, blob(t, db, "a", "text/plain", large))
	doc, err := db.Get(context.Background(), "d", couch.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	digest := doc.Attachments[0].Digest
	n = 0
	rev = mustPut(t, db, "d", rev, `{"v":2}`, blobLike(t, db, "a", large, digest))
	if n != 0 {
		t.Errorf("%d bytes were written of an unchanged content", n)
	}
	for name, changed := range map[string]string{
		"at the beginning": "x" + large[1:], "in the middle": large[:200_000] + "x" + large[200_001:],
		"at the end": large[:len(large)-1] + "x", "shorter": large[:len(large)-1], "at a chunk": large[:131072],
		"longer": large + "x", "much shorter": large[:40_000],
	} {
		n = 0
		rev = mustPut(t, db, "d", rev, `{"v":3}`, blobLike(t, db, "a", changed, digest))
		if got := content(t, db, "d", rev, "a"); got != changed || n < len(changed) {
			t.Errorf("%s: %d bytes of %d, %d written", name, len(got), len(changed), n)
		}
	}
}

// So is content whose digest nobody says, with those that start like it, in the same
// database.
func TestComparedByItsStart(t *testing.T) {
	n := 0
	b := newBenchOn(t, writes{vfs.NewMem(), &n})
	db, other := b.create("alpha"), b.create("beta")
	large := strings.Repeat("0123456789abcdef", 20_000)
	revs := map[string]string{} // of the document, by database
	put := func(db *storage.Database, want string) (written int) {
		t.Helper()
		rev := revs[db.Name()]
		n = 0
		rev = mustPut(t, db, "d", rev, `{}`, blob(t, db, "a", "text/plain", want))
		written, revs[db.Name()] = n, rev
		if got := content(t, db, "d", rev, "a"); got != want {
			t.Errorf("%d bytes of %d", len(got), len(want))
		}
		return written
	}
	for _, content := range []string{large, large[:len(large)-1] + "x", large[:200_000], large + "x", "x" + large} {
		if first, again := put(db, content), put(db, content); first < len(content) || again != 0 {
			t.Errorf("%d bytes were written first, %d again", first, again)
		}
	}
	if written := put(other, large); written < len(large) {
		t.Errorf("%d bytes in another database", written)
	}
	b.reopen()
	db, err := b.store.Database(t.Context(), "alpha")
	if err != nil {
		t.Fatal(err)
	}
	if written := put(db, "x"+large); written != 0 {
		t.Errorf("%d bytes after it was opened again", written)
	}
	b.check()
}

// Of many that start alike the newest are compared, those that were removed left out.
func TestManyStartAlike(t *testing.T) {
	n := 0
	b := newBenchOn(t, writes{vfs.NewMem(), &n})
	db := b.create("alpha")
	ending := func(i int) string { return strings.Repeat("0123456789abcdef", 20_000) + strconv.Itoa(i) }
	var rev string
	for i := range 8 {
		rev = mustPut(t, db, "d", rev, `{}`, blob(t, db, "a", "text/plain", ending(i)))
	}
	kept := mustPut(t, db, "e", "", `{}`, blob(t, db, "a", "text/plain", ending(5)))
	if err := db.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.reopen()
	db, err := b.store.Database(t.Context(), "alpha")
	if err != nil {
		t.Fatal(err)
	}
	n = 0
	mustPut(t, db, "e", kept, `{"v":2}`, blob(t, db, "a", "text/plain", ending(5)))
	mustPut(t, db, "d", rev, `{"v":2}`, blob(t, db, "a", "text/plain", ending(7)))
	if n != 0 {
		t.Errorf("%d bytes were written of unchanged contents", n)
	}
	b.check()
}

// What a content was found equal to may be removed before the content is used.
func TestEqualContentIsRemovedMeanwhile(t *testing.T) {
	for name, between := range map[string]func(*storage.Database, string){
		"purged": func(db *storage.Database, rev string) { purge(t, db, []string{"d", rev}) },
		"compacted": func(db *storage.Database, rev string) {
			mustPut(t, db, "d", rev, `{"v":2}`)
			if err := db.Compact(context.Background()); err != nil {
				t.Fatal(err)
			}
		},
		"purged and swept": func(db *storage.Database, rev string) {
			purge(t, db, []string{"d", rev})
		},
	} {
		b := newBench(t)
		db := b.create("alpha")
		large := strings.Repeat("0123456789abcdef", 20_000)
		rev := mustPut(t, db, "d", "", `{}`, blob(t, db, "a", "text/plain", large))
		doc, err := db.Get(context.Background(), "d", couch.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		used := blobLike(t, db, "a", large, doc.Attachments[0].Digest)
		unused := blobLike(t, db, "a", large, doc.Attachments[0].Digest)
		between(db, rev)
		if err := b.store.Sweep(context.Background()); err != nil {
			t.Fatal(err)
		}
		unused.Pending.Discard()
		mustPut(t, db, "e", "", `{}`, used)
		if got := content(t, db, "e", "", "a"); got != large {
			t.Errorf("%s: %d bytes are left", name, len(got))
		}
		if n := len(blobFiles(t, b.fs, "data/blobs")); n != 1 {
			t.Errorf("%s: %d files, want 1", name, n)
		}
		b.check()
	}
}

// A document over a limit does not make its rows in the indexes any larger, nor are
// bodies read for what does not show them.
func TestBodiesAreOutOfLine(t *testing.T) {
	b := newBench(t)
	db := b.create("alpha")
	rev := mustPut(t, db, "large", "", `{"text":"`+strings.Repeat("0123456789", 100_000)+`"}`)
	b.loseBodies()
	if got := feed(t, db, couch.ChangesOptions{}); len(got) != 1 {
		t.Errorf("changes: %v", got)
	}
	diffs, err := db.RevsDiff(context.Background(), []couch.RevsAsk{{ID: "large", Revs: []couch.RevID{parseRev(t, rev), parseRev(t, "2-a")}}})
	if err != nil || len(diffs) != 1 || len(diffs[0].Missing) != 1 {
		t.Errorf("%v, %v", diffs, err)
	}
	rows := 0
	for _, err := range db.AllDocs(context.Background(), couch.AllDocsOptions{Limit: -1}) {
		if rows++; err != nil {
			t.Error(err)
		}
	}
	if rows != 1 {
		t.Errorf("%d rows", rows)
	}
	if r := put(t, db, "large", "1-abc", `{}`); r.Err == nil {
		t.Error("a conflict was accepted")
	}
	if _, err := db.Get(context.Background(), "large", couch.GetOptions{}); err == nil {
		t.Error("the body is still there")
	}
	if n := b.longestRow(); n > 1000 {
		t.Errorf("a row of the indexes has %d bytes", n)
	}
	b.store.Close()
	b.kv.Close()
	b.store = nil // what is left is damaged
}

// A document whose attachments cannot be read any more can be edited and deleted, and
// does not keep others from being written.
func TestDamagedBodiesAreReplaced(t *testing.T) {
	b := newBench(t)
	db := b.create("alpha")
	edited := mustPut(t, db, "edited", "", `{}`, blob(t, db, "a", "text/plain", "abc"))
	deleted := mustPut(t, db, "deleted", "", `{}`, blob(t, db, "a", "text/plain", "def"))
	b.loseBodies()
	docs := []*couch.Document{document(t, "new", `{}`), document(t, "edited", `{"v":2}`), document(t, "deleted", `{}`)}
	docs[1].Revisions, docs[2].Revisions = couch.PathTo(parseRev(t, edited)), couch.PathTo(parseRev(t, deleted))
	docs[2].Deleted = true
	results, err := db.BulkDocs(t.Context(), storage.Docs(docs...))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		if r.Err != nil {
			t.Errorf("%s: %v", r.ID, r.Err)
		}
	}
	if q, err := db.Quota(t.Context()); err != nil || q.Attachments != 6 {
		t.Errorf("%+v, %v", q, err)
	}
	b.store.Close()
	b.kv.Close()
	b.store = nil // what is left is damaged
}

// rows calls fn with the rows of the only database.
func (b *bench) rows(fn func(tx kv.Tx, row kv.KV)) {
	b.t.Helper()
	err := b.kv.Update(context.Background(), schema.Partition(schema.FirstDatabase), func(tx kv.Tx) error {
		for row, err := range tx.Scan(context.Background(), kv.Range{}) {
			if err != nil {
				return err
			}
			fn(tx, row)
		}
		return nil
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

// loseBodies removes all bodies.
func (b *bench) loseBodies() {
	b.rows(func(tx kv.Tx, row kv.KV) {
		if row.Key[0] == schema.KindBody {
			tx.Delete(row.Key)
		}
	})
}

// longestRow returns the size of the longest row.
func (b *bench) longestRow() (longest int) {
	b.rows(func(_ kv.Tx, row kv.KV) { longest = max(longest, len(row.Value)) })
	return longest
}
