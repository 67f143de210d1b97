package storage_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"settle/attachments"
	"settle/storage"
	"settle/storage/couch"
	"settle/storage/kv"
	"settle/storage/schema"
	"settle/storage/storagetest"
)

// viewHook runs a function once, behind a View of a partition.
type viewHook struct {
	kv.Store
	p     kv.Partition
	after atomic.Pointer[func()]
}

func (h *viewHook) View(ctx context.Context, p kv.Partition, fn func(kv.Reader) error) error {
	err := h.Store.View(ctx, p, fn)
	if p == h.p {
		if after := h.after.Swap(nil); after != nil {
			(*after)()
		}
	}
	return err
}

// readHook is an empty reader that runs a function first.
type readHook func()

func (h readHook) Read([]byte) (int, error) { h(); return 0, io.EOF }

// takeUpload has a document use an upload.
func takeUpload(t testing.TB, db *storage.Database, doc string, u couch.Upload) *couch.Document {
	t.Helper()
	p, err := db.TakeUpload(context.Background(), u.ID, "ann")
	if err != nil {
		t.Fatal(err)
	}
	d := document(t, doc, `{}`)
	d.Attachments = []couch.Attachment{{Name: "a", ContentType: "text/plain", Length: p.Length(), Digest: p.Digest(), Pending: p}}
	return d
}

// What a document has used is not touched by who still adds to the upload, from whenever
// he has read it.
func TestUploadIsUsedMeanwhile(t *testing.T) {
	var hook *viewHook
	store := storagetest.Open(t, func(o *storage.Options) {
		hook = &viewHook{Store: o.KV, p: schema.Partition(schema.FirstDatabase)}
		o.KV, o.Compact = hook, storage.AutoCompaction{MinBytes: -1}
	})
	db, err := store.CreateDatabase(t.Context(), "alpha", storage.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	const length = 200_000
	for doc, sent := range map[string]int{"whole": length, "begun": 0} {
		want := strings.Repeat(doc, length)[:length] // that no other document has
		u := createUpload(t, db, len(want))
		if u, err = db.AppendUpload(t.Context(), u, strings.NewReader(want[:sent])); err != nil {
			t.Fatal(err)
		}
		meanwhile := func() {
			rest, err := db.AppendUpload(t.Context(), u, strings.NewReader(want[sent:]))
			if err != nil && err != error(attachments.ErrUploadBusy) {
				t.Errorf("%s: %v", doc, err)
			}
			if err == nil || rest.Offset == rest.Length {
				put(t, db, doc, "", `{}`, takeUpload(t, db, doc, u).Attachments...)
			}
		}
		hook.after.Store(&meanwhile)
		got, err := db.AppendUpload(t.Context(), u, strings.NewReader(want[sent:]))
		switch {
		case sent == len(want) && !errors.Is(err, couch.ErrNotFound):
			t.Errorf("%s: %v", doc, err)
		case sent == 0 && (err != nil || got.Offset != got.Length):
			t.Errorf("%s: %+v, %v", doc, got, err)
		case sent == 0:
			put(t, db, doc, "", `{}`, takeUpload(t, db, doc, u).Attachments...)
		}
		if text := content(t, db, doc, "", "a"); text != want {
			t.Errorf("%s: %d bytes", doc, len(text))
		}
	}
}

// An upload is used by one document of a batch; the others are refused alone, be they in
// the same transaction or in another, and so are those whose upload has gone.
func TestUploadIsUsedByOneOfABatch(t *testing.T) {
	for name, most := range map[string]int{"one transaction": 1 << 20, "one for each document": 1} {
		b := newBench(t)
		b.store.LimitBatches(1<<20, most)
		db := b.create("alpha")
		u := createUpload(t, db, 5)
		if _, err := db.AppendUpload(t.Context(), u, strings.NewReader("hello")); err != nil {
			t.Fatal(err)
		}
		removed := createUpload(t, db, 0)
		docs := []*couch.Document{takeUpload(t, db, "a", u), takeUpload(t, db, "b", u), document(t, "c", `{}`), takeUpload(t, db, "d", removed)}
		if err := db.RemoveUpload(t.Context(), removed.ID, "ann"); err != nil {
			t.Fatal(err)
		}
		results, err := db.BulkDocs(t.Context(), storage.Docs(docs...))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for i, refused := range []bool{false, true, false, true} {
			if got := results[i].Err; refused != errors.Is(got, &couch.Error{Kind: couch.BadRequest}) || !refused && got != nil {
				t.Errorf("%s: %s: %v", name, docs[i].ID, got)
			}
		}
		b.check()
	}
}

// An upload does not expire while something is being appended to it.
func TestUploadExpiresBehindWhatIsAppended(t *testing.T) {
	b := newBench(t)
	clock := b.setClock(time.Now())
	b.reopen()
	db := b.create("alpha")
	u := createUpload(t, db, 100_000)
	u.Expires = time.Now().Add(3 * time.Hour)
	late := readHook(func() {
		clock.nanoseconds.Add(int64(90 * time.Minute))
		if err := b.store.ExpireUploads(t.Context()); err != nil {
			t.Error(err)
		}
	})
	u, err := db.AppendUpload(t.Context(), u, io.MultiReader(strings.NewReader(strings.Repeat("x", 70_000)), late))
	if err != nil || u.Offset != 70_000 {
		t.Errorf("%+v, %v", u, err)
	}
	if err := b.store.ExpireUploads(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Upload(t.Context(), u.ID, "ann"); err != nil {
		t.Errorf("behind it: %v", err)
	}
	clock.nanoseconds.Add(int64(3 * time.Hour))
	if err := b.store.ExpireUploads(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.check()
	if files := blobFiles(t, b.fs, "data/blobs"); len(files) != 0 {
		t.Errorf("files are left: %v", files)
	}
}

func TestUploadTooLong(t *testing.T) {
	db := newBench(t).create("alpha")
	_, err := db.CreateUpload(t.Context(), couch.Upload{Owner: "ann", Length: attachments.MaxLength + 1, Expires: time.Now().Add(time.Hour)})
	if !errors.Is(err, &couch.Error{Kind: couch.AttachmentTooLarge}) {
		t.Error(err)
	}
}
