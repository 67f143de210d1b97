package metaview_test

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"settle/storage"
	"settle/storage/check"
	"settle/storage/couch"
	"settle/storage/crypt"
	"settle/storage/docjson"
	"settle/storage/kv"
	"settle/storage/metaview"
)

// bench is a database in memory, which is checked at the end.
type bench struct {
	t     *testing.T
	db    *storage.Database
	blobs vfs.FS
}

func newBench(t *testing.T) *bench {
	t.Helper()
	keyring, err := crypt.NewKeyring()
	if err != nil {
		t.Fatal(err)
	}
	blobs := vfs.NewMem()
	engine, err := kv.OpenPebble(kv.PebbleOptions{FS: crypt.NewFS(vfs.NewMem(), keyring), Dir: "data", ReserveBytes: -1})
	if err != nil {
		t.Fatal(err)
	}
	store, err := storage.Open(t.Context(), storage.Options{KV: engine, Keyring: keyring, BlobFS: blobs, BlobDir: "blobs"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		o := check.Options{KV: engine, Keyring: keyring, BlobFS: blobs, BlobDir: "blobs"}
		if _, err := check.Run(context.Background(), o, func(f check.Finding) { t.Error(f) }); err != nil {
			t.Error(err)
		}
		store.Close()
		engine.Close()
	})
	db, err := store.CreateDatabase(t.Context(), "db", storage.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return &bench{t: t, db: db, blobs: blobs}
}

// files counts the files in a directory of contents, and below it.
func (b *bench) files(dir string) (n int) {
	b.t.Helper()
	names, err := b.blobs.List(dir)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, name := range names {
		path := b.blobs.PathJoin(dir, name)
		if info, err := b.blobs.Stat(path); err == nil && info.IsDir() {
			n += b.files(path)
		} else {
			n++
		}
	}
	return n
}

// document reads a document as a client sends it.
func (b *bench) document(text string) *couch.Document {
	b.t.Helper()
	parsed, err := docjson.NewReader(strings.NewReader(text)).Document(docjson.Options{})
	if err != nil {
		b.t.Fatal(err)
	}
	return &couch.Document{ID: parsed.ID, Deleted: parsed.Deleted, Revisions: parsed.Revisions, Body: parsed.Body}
}

// times so many, a few bytes are a content that has a file of its own.
const times = 200_000

// attached is document with one new attachment.
func (b *bench) attached(text, name, content string) *couch.Document {
	b.t.Helper()
	doc := b.document(text)
	p, err := b.db.WriteBlob(b.t.Context(), strings.NewReader(strings.Repeat(content, times)), 0)
	if err != nil {
		b.t.Fatal(err)
	}
	doc.Attachments = []couch.Attachment{{
		Name: name, ContentType: "text/plain", Blob: p.BlobID(), Pending: p, Digest: p.Digest(), Length: p.Length(),
	}}
	return doc
}

const unknownEntry = `"attachments_meta":{"x":{"content_type":"","length":3,"digest":"md5-AAAAAAAAAAAAAAAAAAAAAA==","revpos":1}}`

// TestRefusedInTheirPlaces writes batches in which some documents are refused by the
// view and some by the store, in random order, with contents that must not be left.
func TestRefusedInTheirPlaces(t *testing.T) {
	b := newBench(t)
	written := 0
	random := rand.New(rand.NewPCG(1, 2))
	views := map[string]*metaview.Database{"ordinary": metaview.Ordinary(b.db), "metadata": metaview.Metadata(b.db)}
	for round := range 5 {
		for name, view := range views {
			var docs []*couch.Document
			var want []couch.Kind
			for i := range random.IntN(8) {
				id := name + strconv.Itoa(round) + "-" + strconv.Itoa(i)
				if random.IntN(2) == 0 {
					docs, want = append(docs, b.attached(`{"_id":"`+id+`",`+unknownEntry+`}`, "new", id)), append(want, couch.Forbidden)
					continue
				}
				docs, want = append(docs, b.attached(`{"_id":"`+id+`"}`, "new", id)), append(want, couch.Internal)
				written++
			}
			results, err := view.BulkDocs(t.Context(), storage.Docs(docs...))
			if err != nil || len(results) != len(docs) {
				t.Fatalf("%d results of %d: %v", len(results), len(docs), err)
			}
			for i, result := range results {
				if kind := kindOf(result.Err); result.ID != docs[i].ID || kind != want[i] {
					t.Errorf("%s: row %d is %s: %v", name, i, result.ID, result.Err)
				}
			}
		}
	}
	if n := b.files("blobs"); n != written {
		t.Errorf("%d files of %d documents", n, written)
	}
}

// kindOf is the kind of a refusal, Internal for none.
func kindOf(err error) couch.Kind {
	if e, ok := errors.AsType[*couch.Error](err); ok {
		return e.Kind
	}
	return couch.Internal
}

// TestErrorsLeaveNothing ends batches by an error: a malformed list, one of the
// documents' source, and a batch that is done.
func TestErrorsLeaveNothing(t *testing.T) {
	b := newBench(t)
	view := metaview.Metadata(b.db)
	malformed := b.attached(`{"_id":"b","attachments_meta":{"x":1}}`, "new", "second")
	if _, err := view.BulkDocs(t.Context(), storage.Docs(b.attached(`{"_id":"a"}`, "new", "first"), malformed)); kindOf(err) != couch.BadRequest {
		t.Errorf("a malformed list: %v", err)
	}
	broken := errors.New("broken")
	_, err := view.PutRevs(t.Context(), func(yield func(*couch.Document, error) bool) {
		if yield(b.attached(`{"_id":"a","_rev":"1-a"}`, "new", "first"), nil) {
			yield(nil, broken)
		}
	})
	if !errors.Is(err, broken) {
		t.Errorf("a broken source: %v", err)
	}
	if _, err := b.db.Get(t.Context(), "a", couch.GetOptions{}); !errors.Is(err, couch.ErrNotFound) {
		t.Errorf("a document was written: %v", err)
	}
	if n := b.files("blobs"); n > 0 {
		t.Errorf("%d files are left", n)
	}
}

// TestReadsHaveTheForm reads a document by every method.
func TestReadsHaveTheForm(t *testing.T) {
	b := newBench(t)
	if _, err := b.db.BulkDocs(t.Context(), storage.Docs(b.attached(`{"_id":"a","n":1}`, "file", "content"))); err != nil {
		t.Fatal(err)
	}
	for _, metadata := range []bool{false, true} {
		view := metaview.Ordinary(b.db)
		if metadata {
			view = metaview.Metadata(b.db)
		}
		for name, doc := range b.readings(view) {
			printed := docjson.AppendDocument(nil, doc, docjson.Print{})
			if bytes.Contains(printed, []byte(`"_attachments"`)) == metadata || bytes.Contains(printed, []byte(`"attachments_meta"`)) != metadata {
				t.Errorf("%s: %s", name, printed)
			}
			if len(doc.Attachments) != 1 || string(doc.Body.Text) != `{"n":1}` {
				t.Errorf("%s: the document itself is %s", name, doc.Body.Text)
			}
		}
	}
}

// readings is the document "a" as every reading method returns it.
func (b *bench) readings(view *metaview.Database) map[string]*couch.Document {
	b.t.Helper()
	ctx, all := b.t.Context(), map[string]*couch.Document{}
	keep := func(name string, doc *couch.Document, err error) {
		if err != nil || doc == nil {
			b.t.Fatalf("%s: %v", name, err)
		}
		all[name] = doc
	}
	doc, err := view.Get(ctx, "a", couch.GetOptions{})
	keep("Get", doc, err)
	revs, err := view.OpenRevs(ctx, "a", couch.OpenRevsOptions{All: true, Revs: []couch.RevID{{Gen: 9}}}, couch.GetOptions{})
	keep("OpenRevs", revs[0].Doc, err)
	listed := couch.AllDocsOptions{Limit: -1, IncludeDocs: true}
	for row, err := range view.AllDocs(ctx, listed) {
		keep("AllDocs", row.Doc, err)
	}
	for row, err := range view.AllDocsByID(ctx, []couch.DocID{"a"}, listed) {
		keep("AllDocsByID", row.Doc, err)
	}
	for change, err := range view.Changes(ctx, couch.ChangesOptions{IncludeDocs: true}) {
		keep("Changes", change.Doc, err)
	}
	if len(all) != 5 {
		b.t.Errorf("only %d methods gave the document", len(all))
	}
	return all
}
