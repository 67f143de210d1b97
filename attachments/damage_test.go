package attachments_test

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"settle/attachments"
	"settle/storage/couch"
	"settle/storage/crypt"
	"settle/storage/kv"
)

// expectDamage reads the whole blob, which has to fail, and to give out nothing
// but a beginning of the content.
func (e *env) expectDamage(what string, id couch.BlobID, content []byte) {
	e.Helper()
	got, err := e.get(id, 0, -1)
	if !errors.Is(err, couch.ErrCorrupt) {
		e.Errorf("%s: read %d bytes, error %v", what, len(got), err)
	}
	if !bytes.HasPrefix(content, got) {
		e.Errorf("%s: wrong bytes were read", what)
	}
}

func TestDamagedFile(t *testing.T) {
	e := newEnv(t, vfs.NewMem())
	const chunk = crypt.ChunkSize + crypt.ChunkOverhead
	content := noise(2*crypt.ChunkSize, 1)
	id := e.put(content)
	sealed := e.readFile(e.path(id))

	damage := map[string][]byte{
		"empty":             {},
		"one byte more":     append(bytes.Clone(sealed), 0),
		"one byte less":     sealed[:len(sealed)-1],
		"a chunk less":      sealed[:chunk],
		"a chunk twice":     append(bytes.Clone(sealed[:chunk]), sealed[:chunk]...),
		"chunks swapped":    append(bytes.Clone(sealed[chunk:]), sealed[:chunk]...),
		"three chunks":      append(bytes.Clone(sealed), sealed[chunk:]...),
		"cut within chunk":  sealed[:chunk+100],
		"zeros at its end":  append(bytes.Clone(sealed[:len(sealed)-4096]), make([]byte, 4096)...),
		"first chunk moved": append(bytes.Clone(sealed[1:chunk]), append([]byte{sealed[0]}, sealed[chunk:]...)...),
	}
	for what, bad := range damage {
		e.writeFile(e.path(id), bad)
		e.expectDamage(what, id, content)
		if _, problems := e.check(); !errors.Is(problems[id], couch.ErrCorrupt) {
			t.Errorf("%s: Check found %v", what, problems)
		}
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		bad := bytes.Clone(sealed)
		bit := rng.IntN(8 * len(bad))
		bad[bit/8] ^= 1 << (bit % 8)
		e.writeFile(e.path(id), bad)
		e.expectDamage("a flipped bit", id, content)
	}
	for range 100 {
		e.writeFile(e.path(id), sealed[:rng.IntN(len(sealed))])
		e.expectDamage("cut", id, content)
	}
	e.writeFile(e.path(id), sealed)
	if got, err := e.get(id, 0, -1); err != nil || !bytes.Equal(got, content) {
		t.Errorf("as it was: %v", err)
	}
}

func TestSwappedFiles(t *testing.T) {
	e := newEnv(t, vfs.NewMem())
	content := noise(100_000, 1)
	a, b := e.put(content), e.put(content)
	fileA, fileB := e.readFile(e.path(a)), e.readFile(e.path(b))
	if bytes.Equal(fileA, fileB) {
		t.Error("equal contents give equal files")
	}
	e.writeFile(e.path(a), fileB)
	e.writeFile(e.path(b), fileA)
	e.expectDamage("swapped", a, content)
	e.expectDamage("swapped", b, content)
}

func TestMissingFile(t *testing.T) {
	e := newEnv(t, vfs.NewMem())
	id := e.put(noise(100_000, 1))
	must(t, e.fs.Remove(e.path(id)))
	_, err := e.get(id, 0, -1)
	if !errors.Is(err, couch.ErrCorrupt) || !errors.Is(err, attachments.ErrFileMissing) {
		t.Errorf("error %v", err)
	}
	if _, problems := e.check(); !errors.Is(problems[id], attachments.ErrFileMissing) {
		t.Errorf("Check found %v", problems)
	}
}

func (e *env) row(id couch.BlobID) (row []byte) {
	e.Helper()
	must(e, e.view(e.Context(), func(rd kv.Reader) error {
		rows, err := rd.GetMulti(e.Context(), append(bytes.Clone(prefix), id[:]...))
		row = bytes.Clone(rows[0])
		return err
	}))
	return row
}

func (e *env) setRow(id couch.BlobID, row []byte) {
	e.Helper()
	e.update(func(tx kv.Tx) { tx.Set(append(bytes.Clone(prefix), id[:]...), row) })
}

// Every bit of a record counts, and every length but its own is wrong.
func TestDamagedRecord(t *testing.T) {
	for _, size := range []int{0, 50, 100_000} {
		e := openEnv(t, vfs.NewMem(), newKey(t, partition), 50)
		content := noise(size, 1)
		id := e.put(content)
		row := e.row(id)
		try := func(what string, bad []byte) {
			t.Helper()
			e.setRow(id, bad)
			e.expectDamage(what, id, content)
		}
		for bit := range 8 * len(row) {
			bad := bytes.Clone(row)
			bad[bit/8] ^= 1 << (bit % 8)
			try("a flipped bit", bad)
		}
		for n := range row {
			try("cut", row[:n])
		}
		try("lengthened", append(bytes.Clone(row), 0))
		if _, problems := e.check(); len(problems) == 0 {
			t.Error("Check found nothing")
		}
	}
}

func TestSwappedRecords(t *testing.T) {
	for _, size := range []int{50, 100_000} {
		e := newEnv(t, vfs.NewMem())
		content := noise(size, 1)
		a, b := e.put(content), e.put(content)
		rowA, rowB := e.row(a), e.row(b)
		e.setRow(a, rowB)
		e.setRow(b, rowA)
		e.expectDamage("swapped", a, content)
		e.expectDamage("swapped", b, content)
	}
}

// What one database's key sealed opens under no other key or database.
func TestOtherDatabase(t *testing.T) {
	for _, size := range []int{50, 100_000} {
		e := newEnv(t, vfs.NewMem())
		id := e.put(noise(size, 1))
		other := e.store.Database(partition, newKey(t, partition), prefix)
		if _, err := loadFrom(e, other, id); !errors.Is(err, couch.ErrCorrupt) {
			t.Errorf("size %d: error %v", size, err)
		}
	}
}

func FuzzRecord(f *testing.F) {
	key := newKey(f, partition)
	e := openEnv(f, vfs.NewMem(), key, 0)
	ids := []couch.BlobID{e.put([]byte("hello")), e.put(noise(100_000, 1))}
	rows := [][]byte{e.row(ids[0]), e.row(ids[1])}
	for i := range rows {
		f.Add(i == 1, rows[i])
	}
	f.Fuzz(func(t *testing.T, second bool, row []byte) {
		i := 0
		if second {
			i = 1
		}
		blob, err := e.blobs.Load(t.Context(), oneRow{row}, ids[i])
		switch {
		case err == nil && bytes.Equal(row, rows[i]):
		case err == nil:
			t.Errorf("a record that nobody wrote opens: length %d", blob.Length())
		case !errors.Is(err, couch.ErrCorrupt):
			t.Error(err)
		}
	})
}

func FuzzFile(f *testing.F) {
	e := newEnv(f, vfs.NewMem())
	content := noise(crypt.ChunkSize+100, 1)
	id := e.put(content)
	f.Add(uint32(0), []byte{1}, uint32(0))
	f.Add(uint32(crypt.ChunkSize), []byte{0, 0, 0}, uint32(1))
	sealed := e.readFile(e.path(id))
	f.Fuzz(func(t *testing.T, at uint32, patch []byte, cut uint32) {
		e.TB = t
		bad := bytes.Clone(sealed)
		copy(bad[int(at)%len(bad):], patch)
		bad = bad[:len(bad)-int(cut)%len(bad)]
		e.writeFile(e.path(id), bad)
		got, err := e.get(id, 0, -1)
		if whole := bytes.Equal(bad, sealed); whole != (err == nil) || !bytes.HasPrefix(content, got) {
			t.Errorf("read %d bytes, %v", len(got), err)
		}
	})
}

// oneRow is a Reader that answers every key with the same row.
type oneRow struct{ row []byte }

func (o oneRow) GetMulti(context.Context, ...[]byte) ([][]byte, error) { return [][]byte{o.row}, nil }

func (o oneRow) Scan(context.Context, kv.Range) iter.Seq2[kv.KV, error] { return nil }
