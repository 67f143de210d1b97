package attachments_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/cockroachdb/pebble/v2/vfs"

	"settle/attachments"
	"settle/storage/couch"
)

func TestWriteAndRead(t *testing.T) {
	for _, smallMax := range []int{0, -1, 1 << 20} {
		e := openEnv(t, vfs.NewMem(), newKey(t, partition), smallMax)
		for i, size := range sizes {
			content := noise(size, uint64(i))
			p := e.write(content)
			if p.Length() != int64(size) || p.Digest() != digest(content) {
				t.Errorf("size %d: length %d, digest %s", size, p.Length(), p.Digest())
			}
			id := e.commit(p)
			blob, err := e.load(id)
			must(t, err)
			if blob.ID() != id || blob.Length() != int64(size) || blob.Digest() != digest(content) {
				t.Errorf("size %d: loaded %s, length %d, digest %s", size, blob.ID(), blob.Length(), blob.Digest())
			}
			if got, err := e.get(id, 0, -1); err != nil || !bytes.Equal(got, content) {
				t.Errorf("size %d: read %d bytes, %v", size, len(got), err)
			}
		}
		if checked, problems := e.check(); checked.Blobs != len(sizes) || len(problems) != 0 {
			t.Errorf("Check: %+v, %v", checked, problems)
		}
	}
}

func TestSmallBlobsMakeNoFile(t *testing.T) {
	e := newEnv(t, vfs.NewMem())
	e.put(noise(32<<10, 1))
	if files := e.files(); len(files) != 0 {
		t.Errorf("files %v", files)
	}
	id := e.put(noise(32<<10+1, 1))
	if files := e.files(); len(files) != 1 || files[0] != e.path(id) {
		t.Errorf("files %v, want %s", files, e.path(id))
	}
}

// A text in a file or a row is not to be found on the disk.
func TestNothingReadable(t *testing.T) {
	e := newEnv(t, vfs.NewMem())
	secret := []byte("the quick brown fox")
	id := e.put(bytes.Repeat(secret, 10_000))
	if bytes.Contains(e.readFile(e.path(id)), secret) {
		t.Error("the content stands in its file")
	}
}

var errTest = errors.New("test")

func TestWriteErrorsLeaveNothing(t *testing.T) {
	e := newEnv(t, vfs.NewMem())
	for _, size := range sizes {
		for _, failure := range []error{errTest, io.ErrUnexpectedEOF} {
			r := io.MultiReader(bytes.NewReader(noise(size, 1)), iotest.ErrReader(failure))
			if _, err := e.blobs.Write(t.Context(), r, 0); err != failure {
				t.Errorf("size %d: error %v, want %v", size, err, failure)
			}
		}
		if files := e.files(); len(files) != 0 {
			t.Fatalf("size %d: left %v", size, files)
		}
	}
}

func TestWriteLimit(t *testing.T) {
	e := newEnv(t, vfs.NewMem())
	for _, size := range sizes {
		content := noise(size, 1)
		p, err := e.blobs.Write(t.Context(), iotest.HalfReader(bytes.NewReader(content)), int64(max(size, 1)))
		must(t, err)
		p.Discard()
		if size < 2 {
			continue
		}
		_, err = e.blobs.Write(t.Context(), bytes.NewReader(content), int64(size-1))
		if !errors.Is(err, &couch.Error{Kind: couch.AttachmentTooLarge}) {
			t.Errorf("size %d: error %v", size, err)
		}
		if files := e.files(); len(files) != 0 {
			t.Fatalf("size %d: left %v", size, files)
		}
	}
}

func TestWriteStopsWithItsContext(t *testing.T) {
	e := newEnv(t, vfs.NewMem())
	ctx, cancel := context.WithCancel(t.Context())
	r := readerFunc(func(b []byte) (int, error) {
		if len(e.files()) > 0 {
			cancel()
		}
		return len(b), nil
	})
	if _, err := e.blobs.Write(ctx, r, 0); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if files := e.files(); len(files) != 0 {
		t.Errorf("left %v", files)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

func TestDiscard(t *testing.T) {
	e := newEnv(t, vfs.NewMem())
	for _, size := range []int{10, 100_000} {
		p := e.write(noise(size, 1))
		p.Discard()
		p.Discard()
		if files := e.files(); len(files) != 0 {
			t.Errorf("size %d: left %v", size, files)
		}
		if _, err := e.load(p.BlobID()); !errors.Is(err, couch.ErrNotFound) {
			t.Errorf("size %d: load: %v", size, err)
		}

		content := noise(size, 2)
		p = e.write(content)
		e.update(p.Commit)
		e.update(p.Commit) // a transaction that runs again
		p.Committed()
		p.Discard()
		if got, err := e.get(p.BlobID(), 0, -1); err != nil || !bytes.Equal(got, content) {
			t.Errorf("size %d: discarded behind the commit: %v", size, err)
		}
	}
}

// Contents that wait for their commit are not all kept in memory.
func TestPendingSmallBlobsAreBounded(t *testing.T) {
	e := newEnv(t, vfs.NewMem())
	content := noise(32<<10, 1)
	var pending []interface{ Discard() }
	for range 1100 {
		pending = append(pending, e.write(content))
	}
	if n := len(e.files()); n != 1100-1024 {
		t.Errorf("%d blobs in files, want %d", n, 1100-1024)
	}
	for _, p := range pending {
		p.Discard()
	}
	e.put(content)
	if files := e.files(); len(files) != 0 {
		t.Errorf("left %v", files)
	}
}

func TestDelete(t *testing.T) {
	e := newEnv(t, vfs.NewMem())
	for _, size := range []int{10, 100_000} {
		id := e.put(noise(size, 1))
		e.delete(id)
		if _, err := e.load(id); !errors.Is(err, couch.ErrNotFound) {
			t.Errorf("size %d: load: %v", size, err)
		}
		if files := e.files(); len(files) != 0 {
			t.Errorf("size %d: left %v", size, files)
		}
	}
}

// An upload allocates no more for a long content than for a short one, but for the
// chunks that wait for their sums.
func TestWriteMemory(t *testing.T) {
	fs := discardFS{vfs.NewMem()}
	e := newEnv(t, fs)
	bytesFor := func(size int64) uint64 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		p, err := e.blobs.Write(t.Context(), io.LimitReader(zeros{}, size), 0)
		must(t, err)
		p.Discard()
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc
	}
	bytesFor(1 << 20) // fills the pool of buffers
	if small, large := bytesFor(1<<20), bytesFor(64<<20); large > small+4<<20 {
		t.Errorf("%d bytes allocated for 1 MB, %d for 64 MB", small, large)
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// discardFS keeps no content.
type discardFS struct{ vfs.FS }

func (fs discardFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := fs.FS.Create(name, c)
	if strings.HasPrefix(name, root) {
		f = discardFile{f}
	}
	return f, err
}

type discardFile struct{ vfs.File }

func (discardFile) Write(b []byte) (int, error) { return len(b), nil }

// What was written can be read before a document has it, be it in a row, in a file, or
// in the file of an equal blob.
func TestOpenPending(t *testing.T) {
	e := newEnv(t, vfs.NewMem())
	stored := noise(300_000, 7)
	like, err := e.load(e.put(stored))
	must(t, err)
	find := func(attachments.Hint) ([]*attachments.Blob, error) { return []*attachments.Blob{like}, nil }
	for name, content := range map[string][]byte{"empty": {}, "small": noise(100, 1), "file": noise(200_000, 2), "stored": stored} {
		p, err := e.blobs.WriteLike(t.Context(), bytes.NewReader(content), 0, couch.Digest{1}, find)
		must(t, err)
		for range 2 {
			r, err := p.Open()
			must(t, err)
			got, err := io.ReadAll(r)
			must(t, errors.Join(err, r.Close()))
			if !bytes.Equal(got, content) {
				t.Errorf("%s: %d bytes of %d are read, or others", name, len(got), len(content))
			}
		}
		p.Discard()
	}
	if files := e.files(); len(files) != 1 {
		t.Errorf("left behind: %v", files)
	}
}
