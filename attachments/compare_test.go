package attachments_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"settle/attachments"
	"settle/storage/couch"
	"settle/storage/kv"
)

// finding finds one blob.
func finding(like *attachments.Blob) attachments.Find {
	return func(attachments.Hint) ([]*attachments.Blob, error) { return []*attachments.Blob{like}, nil }
}

// removeHook runs a function once, before a blob's file is removed.
type removeHook struct {
	vfs.FS
	before func()
}

func (h *removeHook) Remove(name string) error {
	if strings.HasPrefix(name, root) { // the engine removes files of its own, whenever it likes
		if before := h.before; before != nil {
			h.before = nil
			before()
		}
	}
	return h.FS.Remove(name)
}

// A content that comes while an equal one, or one that starts alike, is being removed is
// stored all the same.
func TestRemovedWhileCompared(t *testing.T) {
	for _, tail := range []string{"", "and more"} {
		fs := &removeHook{FS: vfs.NewMem()}
		e := openEnv(t, fs, newKey(t, partition), 0)
		blobs := e.blobs.Deduplicating([]byte("h"), []byte("g"), attachments.NewDedupKey())
		content := noise(300_000, 7)
		stored, err := blobs.Write(t.Context(), bytes.NewReader(content), 0)
		must(t, err)
		id := e.commit(stored)
		like, err := loadFrom(e, blobs, id)
		must(t, err)
		e.update(func(tx kv.Tx) { must(e, blobs.Delete(e.Context(), tx, id)) })
		var half, gone = make(chan struct{}), make(chan struct{})
		written := make(chan *attachments.Pending, 1)
		fs.before = func() {
			go func() {
				r := io.MultiReader(bytes.NewReader(content[:150_000]), pause{half, gone}, bytes.NewReader(content[150_000:]), strings.NewReader(tail))
				p, err := blobs.WriteLike(t.Context(), r, 0, couch.Digest{}, finding(like))
				if err != nil {
					t.Errorf("with %q: %v", tail, err)
				}
				written <- p
			}()
			<-half
		}
		must(t, blobs.RemoveFiles(id))
		close(gone)
		if p := <-written; p != nil {
			err := e.kv.Update(t.Context(), partition, func(tx kv.Tx) error {
				_, err := p.Resolve(t.Context(), tx)
				return err
			})
			if g, ok := errors.AsType[*attachments.GoneError](err); ok {
				err = g.Pending.Own()
			}
			must(t, err)
			if got, err := e.get(e.commit(p), 0, -1); err != nil || string(got) != string(content)+tail {
				t.Errorf("with %q: %d bytes, %v", tail, len(got), err)
			}
		}
		if files := e.files(); len(files) != 1 {
			t.Errorf("with %q: files %v", tail, files)
		}
	}
}

// pause says that it was come to, and ends when it may.
type pause struct{ at, on chan struct{} }

func (p pause) Read([]byte) (int, error) {
	close(p.at)
	<-p.on
	return 0, io.EOF
}

// openOnce opens each blob's file once.
type openOnce struct {
	vfs.FS
	opened map[string]bool
}

var errTooMany = errors.New("too many open files")

func (fs openOnce) Open(name string, o ...vfs.OpenOption) (vfs.File, error) {
	if strings.HasPrefix(name, root) { // the engine opens files of its own, whenever it likes
		if fs.opened[name] {
			return nil, errTooMany
		}
		fs.opened[name] = true
	}
	return fs.FS.Open(name, o...)
}

// Where the part that is equal cannot be read again the content is not stored, and the
// stored blob is free to go.
func TestEqualPartCannotBeRead(t *testing.T) {
	e := newEnv(t, openOnce{vfs.NewMem(), map[string]bool{}})
	content := noise(300_000, 7)
	id := e.put(content)
	like, err := e.load(id)
	must(t, err)
	p, err := e.blobs.WriteLike(t.Context(), bytes.NewReader(append(content, 1)), 0, couch.Digest{}, finding(like))
	if !errors.Is(err, errTooMany) {
		t.Errorf("%v, %v", p, err)
	}
	e.delete(id)
	if files := e.files(); len(files) != 0 {
		t.Errorf("left: %v", files)
	}
}
