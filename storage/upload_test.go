package storage_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"settle/storage"
	"settle/storage/couch"
)

func createUpload(t testing.TB, db *storage.Database, length int) couch.Upload {
	t.Helper()
	u, err := db.CreateUpload(context.Background(), couch.Upload{Owner: "ann", Length: int64(length), Expires: time.Now().Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	return u
}

var errBroken = errors.New("broken")

// part gives a part of content, and then an error where it is broken.
func part(content string, isBroken bool) io.Reader {
	if isBroken {
		return io.MultiReader(strings.NewReader(content), brokenReader{})
	}
	return strings.NewReader(content)
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errBroken }

// Uploads in parts of any size, broken off anywhere, with restarts in between, become
// the attachment that was sent.
func TestUploadInParts(t *testing.T) {
	for seed := range uint64(6) {
		rng := rand.New(rand.NewPCG(seed, 1))
		b := newBench(t)
		db := b.create("alpha")
		raw := make([]byte, []int{0, 1, 65536, 65537, 200_000, 3 * 65536}[seed])
		for i := range raw {
			raw[i] = byte(rng.Uint32())
		}
		want := string(raw)
		u := createUpload(t, db, len(want))
		for u.Offset < u.Length {
			n := min(rng.IntN(100_000), len(want)-int(u.Offset))
			isBroken := rng.IntN(3) == 0
			before := u.Offset
			var err error
			u, err = db.AppendUpload(context.Background(), u, part(want[u.Offset:int(u.Offset)+n], isBroken))
			if u.Offset != before+int64(n) || err != nil && !errors.Is(err, errBroken) {
				t.Fatalf("%d bytes of %d, %v", u.Offset-before, n, err)
			}
			if rng.IntN(3) == 0 {
				b.check()
				b.reopen()
				if db, err = b.store.Database(context.Background(), "alpha"); err != nil {
					t.Fatal(err)
				}
				if err := b.store.Sweep(context.Background()); err != nil {
					t.Fatal(err)
				}
				if u, err = db.Upload(context.Background(), u.ID, "ann"); err != nil {
					t.Fatal(err)
				}
			}
		}
		p, err := db.TakeUpload(context.Background(), u.ID, "ann")
		if err != nil {
			t.Fatal(err)
		}
		mustPut(t, db, "d", "", `{}`, couch.Attachment{Name: "a", Length: p.Length(), Digest: p.Digest(), Pending: p})
		if got := content(t, db, "d", "", "a"); got != want {
			t.Errorf("seed %d: %d bytes, want %d", seed, len(got), len(want))
		}
		if _, err := db.TakeUpload(context.Background(), u.ID, "ann"); !errors.Is(err, couch.ErrNotFound) {
			t.Errorf("used a second time: %v", err)
		}
	}
}

// A client that has not heard that its upload is complete adds nothing to it.
func TestUploadAddedToAtItsEnd(t *testing.T) {
	b := newBench(t)
	db := b.create("alpha")
	for i, length := range []int{0, 1, 65536, 65537, 200_000} {
		want := strings.Repeat("0123456789", 20_000)[:length]
		u := createUpload(t, db, length)
		later := time.Now().Add(2 * time.Hour).Truncate(time.Second)
		for _, part := range []string{want[u.Offset:], "", "more"} {
			u.Expires = later
			var err error
			if u, err = db.AppendUpload(t.Context(), u, strings.NewReader(part)); err != nil || u.Offset != int64(length) {
				t.Fatalf("%d bytes: offset %d, %v", length, u.Offset, err)
			}
		}
		if u, err := db.Upload(t.Context(), u.ID, "ann"); err != nil || !u.Expires.Equal(later) {
			t.Errorf("%d bytes: %+v, %v", length, u, err)
		}
		p, err := db.TakeUpload(t.Context(), u.ID, "ann")
		if err != nil {
			t.Fatal(err)
		}
		id := fmt.Sprint("d", i)
		mustPut(t, db, id, "", `{}`, couch.Attachment{Name: "a", Length: p.Length(), Digest: p.Digest(), Pending: p})
		if got := content(t, db, id, "", "a"); got != want {
			t.Errorf("%d bytes, want %d", len(got), length)
		}
	}
}

// An upload is its owner's, complete when it is used, and stays where a write fails.
func TestUploadIsUsedOnce(t *testing.T) {
	b := newBench(t)
	db, ctx := b.create("alpha"), context.Background()
	u := createUpload(t, db, 5)
	if _, err := db.TakeUpload(ctx, u.ID, "ann"); !errors.Is(err, &couch.Error{Kind: couch.BadRequest}) {
		t.Errorf("incomplete: %v", err)
	}
	wrong := u
	wrong.Offset = 1
	if _, err := db.AppendUpload(ctx, wrong, strings.NewReader("x")); !errors.Is(err, couch.ErrConflict) {
		t.Errorf("another offset: %v", err)
	}
	if _, err := db.AppendUpload(ctx, u, strings.NewReader("hello")); err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{
		func() error { _, err := db.TakeUpload(ctx, u.ID, "bob"); return err }(),
		func() error { _, err := db.Upload(ctx, u.ID, "bob"); return err }(),
		db.RemoveUpload(ctx, u.ID, "bob"),
		func() error { _, err := b.create("beta").TakeUpload(ctx, u.ID, "ann"); return err }(),
	} {
		if !errors.Is(err, couch.ErrNotFound) {
			t.Errorf("another's: %v", err)
		}
	}
	take := func() couch.Attachment {
		p, err := db.TakeUpload(ctx, u.ID, "ann")
		if err != nil {
			t.Fatal(err)
		}
		return couch.Attachment{Name: "a", Length: p.Length(), Digest: p.Digest(), Pending: p}
	}
	mustPut(t, db, "d", "", `{}`)
	if r := put(t, db, "d", "1-abc", `{}`, take()); r.Err == nil {
		t.Error("a conflict was accepted")
	}
	first, second := take(), take()
	mustPut(t, db, "e", "", `{}`, first)
	doc := document(t, "f", `{}`)
	doc.Attachments = []couch.Attachment{second}
	if results, err := db.BulkDocs(ctx, storage.Docs(doc)); err != nil || !errors.Is(results[0].Err, &couch.Error{Kind: couch.BadRequest}) {
		t.Errorf("used twice: %v, %v", results, err)
	}
	// An upload of a content that is there is used up, and its file goes.
	u = createUpload(t, db, 5)
	if _, err := db.AppendUpload(ctx, u, strings.NewReader("hello")); err != nil {
		t.Fatal(err)
	}
	mustPut(t, db, "g", "", `{}`, take())
	if n := b.check().Blobs; n != 1 || len(blobFiles(t, b.fs, "data/blobs")) != 1 {
		t.Errorf("%d blobs, files %v", n, blobFiles(t, b.fs, "data/blobs"))
	}
}

// Whoever sends the content of an upload again, without its digest, writes nothing.
func TestUploadIsFoundByItsStart(t *testing.T) {
	n := 0
	b := newBenchOn(t, writes{vfs.NewMem(), &n})
	db := b.create("alpha")
	content := strings.Repeat("0123456789abcdef", 20_000)
	u := createUpload(t, db, len(content))
	for _, part := range []string{content[:10], content[10:100_000], content[100_000:]} {
		var err error
		if u, err = db.AppendUpload(t.Context(), u, strings.NewReader(part)); err != nil {
			t.Fatal(err)
		}
	}
	p, err := db.TakeUpload(t.Context(), u.ID, "ann")
	if err != nil {
		t.Fatal(err)
	}
	a := couch.Attachment{Name: "a", Length: p.Length(), Digest: p.Digest(), Pending: p}
	rev := mustPut(t, db, "d", "", `{}`, a)
	n = 0
	mustPut(t, db, "d", rev, `{"v":2}`, blob(t, db, "a", "text/plain", content))
	if n != 0 {
		t.Errorf("%d bytes were written", n)
	}
	b.check()
}

// Abandoned uploads go, those that are added to stay.
func TestUploadsExpire(t *testing.T) {
	b := newBench(t)
	clock := b.setClock(time.Now())
	b.reopen()
	db, ctx := b.create("alpha"), context.Background()
	abandoned, whole, kept := createUpload(t, db, 100_000), createUpload(t, db, 0), createUpload(t, db, 100_000)
	if _, err := db.AppendUpload(ctx, abandoned, strings.NewReader(strings.Repeat("x", 70_000))); err != nil {
		t.Fatal(err)
	}
	kept.Expires = time.Now().Add(3 * time.Hour)
	if _, err := db.AppendUpload(ctx, kept, strings.NewReader(strings.Repeat("x", 70_000))); err != nil {
		t.Fatal(err)
	}
	if err := b.store.DropDatabase(ctx, b.create("dropped").Name()); err != nil {
		t.Fatal(err)
	}
	clock.nanoseconds.Add(int64(90 * time.Minute))
	// Nothing has removed them yet.
	abandoned.Offset, abandoned.Expires = 70_000, kept.Expires
	if _, err := db.AppendUpload(ctx, abandoned, strings.NewReader("x")); !errors.Is(err, couch.ErrNotFound) {
		t.Errorf("the abandoned one is added to: %v", err)
	}
	if _, err := db.TakeUpload(ctx, whole.ID, "ann"); !errors.Is(err, couch.ErrNotFound) {
		t.Errorf("a whole one is taken: %v", err)
	}
	b.reopen()
	if err := b.store.ExpireUploads(ctx); err != nil {
		t.Fatal(err)
	}
	db, err := b.store.Database(ctx, "alpha")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Upload(ctx, abandoned.ID, "ann"); !errors.Is(err, couch.ErrNotFound) {
		t.Errorf("the abandoned one: %v", err)
	}
	if u, err := db.Upload(ctx, kept.ID, "ann"); err != nil || u.Offset != 70_000 {
		t.Errorf("the other one: %+v, %v", u, err)
	}
	if n := len(blobFiles(t, b.fs, "data/blobs")); n != 1 {
		t.Errorf("%d files", n)
	}
}

// After a crash the offset is what is on disk, and the upload goes on from there.
func TestUploadAfterACrash(t *testing.T) {
	for seed := range uint64(8) {
		rng := rand.New(rand.NewPCG(seed, 2))
		mem := vfs.NewCrashableMem()
		b := newBenchOn(t, mem)
		db := b.create("alpha")
		want := strings.Repeat("0123456789abcdefg", 30_000)
		u := createUpload(t, db, len(want))
		told := u.Offset
		for i := 0; i <= int(seed)%3; i++ {
			var err error
			if u, err = db.AppendUpload(context.Background(), u, strings.NewReader(want[u.Offset:int(u.Offset)+rng.IntN(150_000)])); err != nil {
				t.Fatal(err)
			}
			told = u.Offset
		}
		b.fs = mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: rng.IntN(101), RNG: rng})
		b.close()
		b.open()
		db, err := b.store.Database(context.Background(), "alpha")
		if err != nil {
			t.Fatal(err)
		}
		if u, err = db.Upload(context.Background(), u.ID, "ann"); err != nil || u.Offset != told {
			t.Fatalf("%d bytes are left of %d, %v", u.Offset, told, err)
		}
		if u, err = db.AppendUpload(context.Background(), u, strings.NewReader(want[u.Offset:])); err != nil {
			t.Fatal(err)
		}
		p, err := db.TakeUpload(context.Background(), u.ID, "ann")
		if err != nil {
			t.Fatal(err)
		}
		mustPut(t, db, "d", "", `{}`, couch.Attachment{Name: "a", Length: p.Length(), Digest: p.Digest(), Pending: p})
		if got := content(t, db, "d", "", "a"); got != want {
			t.Errorf("seed %d: %d bytes", seed, len(got))
		}
	}
}
