package attachments_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
	"testing/iotest"

	"github.com/cockroachdb/pebble/v2/vfs"

	"settle/storage/couch"
	"settle/storage/crypt"
)

func TestRanges(t *testing.T) {
	e := newEnv(t, vfs.NewMem())
	for _, size := range []int{0, 1, 1000, crypt.ChunkSize, 2 * crypt.ChunkSize, 3*crypt.ChunkSize + 12345} {
		content := noise(size, 1)
		id := e.put(content)
		var borders []int64
		for b := 0; b <= size+crypt.ChunkSize; b += crypt.ChunkSize {
			for _, d := range []int{-1, 0, 1} {
				if n := b + d; n >= 0 && n <= size {
					borders = append(borders, int64(n))
				}
			}
		}
		borders = append(borders, int64(size))
		for _, from := range borders {
			for _, to := range borders {
				if from > to {
					continue
				}
				got, err := e.get(id, from, to-from)
				if err != nil || !bytes.Equal(got, content[from:to]) {
					t.Fatalf("size %d, %d to %d: %d bytes, %v", size, from, to, len(got), err)
				}
			}
			if got, err := e.get(id, from, -1); err != nil || !bytes.Equal(got, content[from:]) {
				t.Fatalf("size %d, from %d: %d bytes, %v", size, from, len(got), err)
			}
		}
		n := int64(size)
		for _, bad := range [][2]int64{{-1, 1}, {-1, -1}, {0, n + 1}, {n, 1}, {n + 1, 0}, {n + 1, -1}, {1, 1<<63 - 1}} {
			if _, err := e.get(id, bad[0], bad[1]); !errors.Is(err, &couch.Error{Kind: couch.RangeNotSatisfiable}) {
				t.Errorf("size %d, range %v: error %v", size, bad, err)
			}
		}
	}
}

// A range reads the chunks that it lies in, and no others.
func TestRangeReadsItsChunksOnly(t *testing.T) {
	e := newEnv(t, vfs.NewMem())
	content := noise(5*crypt.ChunkSize, 1)
	id := e.put(content)
	sealed := e.readFile(e.path(id))
	const chunk = crypt.ChunkSize + crypt.ChunkOverhead
	clear(sealed[:2*chunk])
	clear(sealed[3*chunk:])
	e.writeFile(e.path(id), sealed)
	if got, err := e.get(id, 2*crypt.ChunkSize, crypt.ChunkSize); err != nil || !bytes.Equal(got, content[2*crypt.ChunkSize:3*crypt.ChunkSize]) {
		t.Errorf("the whole chunk among damaged ones: %v", err)
	}
	if _, err := e.get(id, 2*crypt.ChunkSize-1, 2); !errors.Is(err, couch.ErrCorrupt) {
		t.Errorf("a damaged one: %v", err)
	}
}

func TestReaderContract(t *testing.T) {
	e := newEnv(t, vfs.NewMem())
	for _, size := range sizes {
		content := noise(size, 1)
		blob, err := e.load(e.put(content))
		must(t, err)
		r, err := blob.Reader(0, -1)
		must(t, err)
		if err := iotest.TestReader(struct{ io.Reader }{r}, content); err != nil {
			t.Error(size, err)
		}
		must(t, r.Close())
		must(t, r.Close())

		r, err = blob.Reader(0, -1)
		must(t, err)
		head := make([]byte, min(10, size))
		_, err = io.ReadFull(r, head)
		must(t, err)
		var rest bytes.Buffer
		n, err := r.(io.WriterTo).WriteTo(&rest)
		if err != nil || n != int64(size-len(head)) || !bytes.Equal(append(head, rest.Bytes()...), content) {
			t.Errorf("size %d: WriteTo wrote %d, %v", size, n, err)
		}
		must(t, r.Close())
	}
}

func TestClosedReader(t *testing.T) {
	e := newEnv(t, vfs.NewMem())
	blob, err := e.load(e.put(noise(100_000, 1)))
	must(t, err)
	r, err := blob.Reader(0, -1)
	must(t, err)
	must(t, r.Close())
	if n, err := r.Read(make([]byte, 10)); n != 0 || err == nil || err == io.EOF {
		t.Errorf("read of a closed blob: %d, %v", n, err)
	}
}

// Who reads a blob while it is deleted reads on.
func TestDeleteWhileReading(t *testing.T) {
	e := newEnv(t, vfs.NewMem())
	content := noise(300_000, 1)
	id := e.put(content)
	blob, err := e.load(id)
	must(t, err)
	r, err := blob.Reader(0, -1)
	must(t, err)
	defer r.Close()
	e.delete(id)
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, content) {
		t.Errorf("read %d bytes, %v", len(got), err)
	}
}

func TestReaderMemory(t *testing.T) {
	e := newEnv(t, vfs.NewMem())
	allocs := func(size int) float64 {
		blob, err := e.load(e.put(make([]byte, size)))
		must(t, err)
		return testing.AllocsPerRun(3, func() {
			r, err := blob.Reader(0, -1)
			must(t, err)
			_, err = io.Copy(io.Discard, r)
			must(t, err)
			must(t, r.Close())
		})
	}
	// A cipher per chunk, nothing else.
	if small, large := allocs(crypt.ChunkSize), allocs(101*crypt.ChunkSize); large > small+5*100 {
		t.Errorf("%v allocations for one chunk, %v for 101", small, large)
	}
}

func TestRandomRanges(t *testing.T) {
	e := newEnv(t, vfs.NewMem())
	content := noise(4*crypt.ChunkSize+777, 1)
	blob, err := e.load(e.put(content))
	must(t, err)
	rng := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		from := rng.Int64N(int64(len(content)))
		n := rng.Int64N(int64(len(content)) - from + 1)
		r, err := blob.Reader(from, n)
		must(t, err)
		got, err := io.ReadAll(iotest.HalfReader(r))
		must(t, r.Close())
		if err != nil || !bytes.Equal(got, content[from:from+n]) {
			t.Fatalf("%d bytes from %d: %d, %v", n, from, len(got), err)
		}
	}
}
