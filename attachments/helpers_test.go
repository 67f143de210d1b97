package attachments_test

import (
	"bytes"
	"context"
	"crypto/md5"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"settle/attachments"
	"settle/storage/couch"
	"settle/storage/crypt"
	"settle/storage/kv"
)

const root = "data/blobs"

var (
	partition = kv.Partition{7: 16}
	prefix    = []byte{'a'}
)

// env is a blob store beside a key-value store, as a server has them.
type env struct {
	testing.TB
	fs    vfs.FS
	kv    kv.Store
	key   *crypt.DatabaseKey
	store *attachments.Store
	blobs *attachments.Blobs
}

func newEnv(t testing.TB, fs vfs.FS) *env {
	t.Helper()
	return openEnv(t, fs, newKey(t, partition), 0)
}

func newKey(t testing.TB, p kv.Partition) *crypt.DatabaseKey {
	t.Helper()
	ring, err := crypt.NewKeyring()
	must(t, err)
	key, _, err := ring.NewDatabaseKey(crypt.DatabaseID(p))
	must(t, err)
	return key
}

func openEnv(t testing.TB, fs vfs.FS, key *crypt.DatabaseKey, smallMax int) *env {
	t.Helper()
	makeDurable(t, fs, "data/rows")
	engine, err := kv.OpenPebble(kv.PebbleOptions{FS: fs, Dir: "data/rows", ReserveBytes: -1})
	must(t, err)
	t.Cleanup(func() { engine.Close() })
	e := &env{TB: t, fs: fs, kv: engine, key: key}
	e.store = attachments.New(attachments.Options{FS: fs, Root: root, SmallMax: smallMax})
	e.blobs = e.store.Database(partition, key, prefix)
	return e
}

// makeDurable makes a directory that a crash leaves.
func makeDurable(t testing.TB, fs vfs.FS, dir string) {
	t.Helper()
	must(t, fs.MkdirAll(dir, 0o700))
	for dir != "." {
		dir = fs.PathDir(dir)
		f, err := fs.OpenDir(dir)
		must(t, err)
		must(t, f.Sync())
		must(t, f.Close())
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (e *env) view(ctx context.Context, fn func(kv.Reader) error) error {
	return e.kv.View(ctx, partition, fn)
}

func (e *env) write(content []byte) *attachments.Pending {
	e.Helper()
	p, err := e.blobs.Write(e.Context(), bytes.NewReader(content), 0)
	must(e, err)
	return p
}

func (e *env) update(fn func(kv.Tx)) {
	e.Helper()
	must(e, e.kv.Update(e.Context(), partition, func(tx kv.Tx) error { fn(tx); return nil }))
}

func (e *env) commit(p *attachments.Pending) couch.BlobID {
	e.Helper()
	e.update(p.Commit)
	p.Committed()
	return p.BlobID()
}

// put writes and commits.
func (e *env) put(content []byte) couch.BlobID {
	e.Helper()
	return e.commit(e.write(content))
}

func (e *env) delete(id couch.BlobID) {
	e.Helper()
	e.update(func(tx kv.Tx) { must(e, e.blobs.Delete(e.Context(), tx, id)) })
	must(e, e.blobs.RemoveFiles(id))
}

func (e *env) load(id couch.BlobID) (blob *attachments.Blob, err error) {
	return loadFrom(e, e.blobs, id)
}

func loadFrom(e *env, b *attachments.Blobs, id couch.BlobID) (blob *attachments.Blob, err error) {
	err = e.view(e.Context(), func(rd kv.Reader) (err error) {
		blob, err = b.Load(e.Context(), rd, id)
		return err
	})
	return blob, err
}

// get reads a range, or as much of it as comes before an error.
func (e *env) get(id couch.BlobID, offset, length int64) ([]byte, error) {
	blob, err := e.load(id)
	if err != nil {
		return nil, err
	}
	r, err := blob.Reader(offset, length)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

func (e *env) path(id couch.BlobID) string {
	return e.fs.PathJoin(root, "0000000000000010", id.String()[:2], id.String())
}

// files returns the paths of all files below the root.
func (e *env) files() []string { return filesBelow(e.fs, root) }

func filesBelow(fs vfs.FS, dir string) (out []string) {
	names, _ := fs.List(dir)
	for _, name := range names {
		path := fs.PathJoin(dir, name)
		if info, err := fs.Stat(path); err == nil && info.IsDir() {
			out = append(out, filesBelow(fs, path)...)
		} else {
			out = append(out, path)
		}
	}
	return out
}

func (e *env) readFile(path string) []byte {
	e.Helper()
	f, err := e.fs.Open(path)
	must(e, err)
	defer f.Close()
	content, err := io.ReadAll(f)
	must(e, err)
	return content
}

func (e *env) writeFile(path string, content []byte) {
	e.Helper()
	must(e, e.fs.MkdirAll(e.fs.PathDir(path), 0o700))
	f, err := e.fs.Create(path, vfs.WriteCategoryUnspecified)
	must(e, err)
	_, err = f.Write(bytes.Clone(content))
	must(e, err)
	must(e, f.Sync())
	must(e, f.Close())
}

// existing answers Sweep: the one database, with its records.
func (e *env) existing(ctx context.Context, p kv.Partition, ids []couch.BlobID) (exist []bool, err error) {
	if p != partition {
		return nil, couch.ErrDatabaseMissing
	}
	err = e.view(ctx, func(rd kv.Reader) (err error) {
		exist, err = e.blobs.Exist(ctx, rd, ids...)
		return err
	})
	return exist, err
}

// check runs Check, and returns the problems by blob.
func (e *env) check() (attachments.Checked, map[couch.BlobID]error) {
	e.Helper()
	problems := map[couch.BlobID]error{}
	checked, err := e.blobs.Check(e.Context(), e.view, func(p attachments.Problem) { problems[p.Blob] = p.Err })
	must(e, err)
	return checked, problems
}

// noise returns n bytes that differ with seed.
func noise(n int, seed uint64) []byte {
	b := make([]byte, n)
	var key [32]byte
	key[0], key[1] = byte(seed), byte(seed>>8)
	rand.NewChaCha8(key).Read(b)
	return b
}

func digest(b []byte) couch.Digest { return md5.Sum(b) }

// sizes around every border there is.
var sizes = []int{
	0, 1, 1000, 32<<10 - 1, 32 << 10, 32<<10 + 1,
	crypt.ChunkSize - 1, crypt.ChunkSize, crypt.ChunkSize + 1,
	2*crypt.ChunkSize - 1, 2 * crypt.ChunkSize, 2*crypt.ChunkSize + 1,
	3*crypt.ChunkSize + 12345,
}
