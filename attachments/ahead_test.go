package attachments_test

import (
	"bytes"
	"errors"
	"io"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"settle/attachments"
	"settle/storage/couch"
	"settle/storage/crypt"
)

// long is the length of contents that are read ahead, and end amid a chunk.
const long = 37*crypt.ChunkSize + 777

// writeTo writes a range of a blob to w, as an answer does.
func writeTo(t *testing.T, blob *attachments.Blob, from, n int64, w io.Writer) (int64, error) {
	t.Helper()
	r, err := blob.Reader(from, n)
	must(t, err)
	defer func() { must(t, r.Close()) }()
	return r.(io.WriterTo).WriteTo(w)
}

func TestWriteToAhead(t *testing.T) {
	e := newEnv(t, vfs.NewMem())
	content := noise(long, 1)
	blob, err := e.load(e.put(content))
	must(t, err)
	for _, from := range []int64{0, 1, crypt.ChunkSize - 1, crypt.ChunkSize, 5*crypt.ChunkSize + 5} {
		for _, to := range []int64{long, long - 777, long - 778, 30 * crypt.ChunkSize, from + 16*crypt.ChunkSize, from + 16*crypt.ChunkSize - 1} {
			var got bytes.Buffer
			if n, err := writeTo(t, blob, from, to-from, &got); err != nil || n != to-from || !bytes.Equal(got.Bytes(), content[from:to]) {
				t.Errorf("%d to %d: %d written, %v", from, to, n, err)
			}
		}
	}
}

// What stands in front of a damaged chunk is written, and nothing of what follows.
func TestWriteToAheadOfDamage(t *testing.T) {
	e := newEnv(t, vfs.NewMem())
	content := noise(long, 1)
	id := e.put(content)
	blob, err := e.load(id)
	must(t, err)
	sealed := e.readFile(e.path(id))
	for _, damaged := range []int{0, 3, 4, 21, 37} {
		changed := bytes.Clone(sealed)
		changed[damaged*(crypt.ChunkSize+crypt.ChunkOverhead)+100] ^= 1
		e.writeFile(e.path(id), changed)
		var got bytes.Buffer
		n, err := writeTo(t, blob, 0, -1, &got)
		want := content[:damaged*crypt.ChunkSize]
		if !errors.Is(err, couch.ErrCorrupt) || n != int64(len(want)) || !bytes.Equal(got.Bytes(), want) {
			t.Errorf("chunk %d: %d written, %v", damaged, n, err)
		}
	}
}

// limited takes some bytes, and no more.
type limited struct{ left int }

var errFull = errors.New("full")

func (l *limited) Write(p []byte) (int, error) {
	n := min(len(p), l.left)
	l.left -= n
	if n < len(p) {
		return n, errFull
	}
	return n, nil
}

func TestWriteToAheadFails(t *testing.T) {
	e := newEnv(t, vfs.NewMem())
	blob, err := e.load(e.put(noise(long, 1)))
	must(t, err)
	for _, room := range []int{0, 100, 4 * crypt.ChunkSize, long - 1} {
		r, err := blob.Reader(0, -1)
		must(t, err)
		if n, err := r.(io.WriterTo).WriteTo(&limited{room}); n != int64(room) || !errors.Is(err, errFull) {
			t.Errorf("room for %d: %d written, %v", room, n, err)
		}
		if n, err := r.Read(make([]byte, 10)); n != 0 || !errors.Is(err, errFull) {
			t.Errorf("room for %d: read on: %d, %v", room, n, err)
		}
		must(t, r.Close())
	}
}

// More readers than may read ahead, none of whom goes on before all have begun.
func TestManyWriteToAhead(t *testing.T) {
	e := newEnv(t, vfs.NewMem())
	content := noise(long, 1)
	blob, err := e.load(e.put(content))
	must(t, err)
	const readers = 50
	var all, done sync.WaitGroup
	all.Add(readers)
	for range readers {
		done.Go(func() {
			w := &waiting{all: &all}
			if n, err := writeTo(t, blob, 0, -1, w); err != nil || n != long || !bytes.Equal(w.Bytes(), content) {
				t.Errorf("%d written, %v", n, err)
			}
		})
	}
	done.Wait()
}

// waiting is a buffer whose first write waits for that of all others.
type waiting struct {
	bytes.Buffer
	all   *sync.WaitGroup
	begun bool
}

func (w *waiting) Write(p []byte) (int, error) {
	if !w.begun {
		w.begun = true
		w.all.Done()
		w.all.Wait()
	}
	return w.Buffer.Write(p)
}
