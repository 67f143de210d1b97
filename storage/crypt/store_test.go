package crypt_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"settle/storage/crypt"
)

var suites = map[string]crypt.Suite{"gcm": crypt.SuiteAESGCM, "xchacha": crypt.SuiteXChaCha}

func newKeyring(t testing.TB) *crypt.Keyring {
	t.Helper()
	k, err := crypt.NewKeyring()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// planted stands in every key and every value that the tests write.
const planted = "PLANTED-PLAINTEXT"

// model is what a store should hold.
type model map[string]string

// workload is a sequence of batches, the same for the same seed. Batch n sets and
// deletes some keys, and sets seqKey to n, so that a store tells how far it is.
type workload struct{ seed uint64 }

const seqKey = planted + " seq"

func (w workload) batch(n int) (set model, del []string) {
	rng := rand.New(rand.NewPCG(w.seed, uint64(n)))
	set = model{seqKey: fmt.Sprint(n)}
	for range 1 + rng.IntN(4) {
		key := fmt.Sprintf("%s key %03d", planted, rng.IntN(200))
		if rng.IntN(5) == 0 {
			if _, ok := set[key]; !ok {
				del = append(del, key)
			}
			continue
		}
		noise := make([]byte, rng.IntN(1500))
		for i := range noise {
			noise[i] = byte(rng.Uint32())
		}
		if !slices.Contains(del, key) {
			set[key] = planted + string(noise)
		}
	}
	return set, del
}

// after returns the model after the ops 1 to n.
func (w workload) after(n int) model {
	m := model{}
	for i := 1; i <= n; i++ {
		set, del := w.batch(i)
		maps.Copy(m, set)
		for _, k := range del {
			delete(m, k)
		}
	}
	return m
}

// apply writes op n.
func (w workload) apply(db *pebble.DB, n int, o *pebble.WriteOptions) error {
	b := db.NewBatch()
	defer b.Close()
	set, del := w.batch(n)
	for _, k := range slices.Sorted(maps.Keys(set)) {
		if err := b.Set([]byte(k), []byte(set[k]), nil); err != nil {
			return err
		}
	}
	for _, k := range del {
		if err := b.Delete([]byte(k), nil); err != nil {
			return err
		}
	}
	return b.Commit(o)
}

// run applies the ops from first to last, each tenth synced, with some flushes.
func (w workload) run(t testing.TB, db *pebble.DB, first, last int) {
	t.Helper()
	for n := first; n <= last; n++ {
		o := pebble.NoSync
		if n%10 == 0 || n == last {
			o = pebble.Sync
		}
		if err := w.apply(db, n, o); err != nil {
			t.Fatal(err)
		}
		if n%97 == 0 {
			if err := db.Flush(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// fatalLogger makes what Pebble would end the process for an error of the test.
type fatalLogger struct{ t testing.TB }

func (fatalLogger) Infof(string, ...any)  {}
func (fatalLogger) Errorf(string, ...any) {}
func (l fatalLogger) Fatalf(format string, args ...any) {
	panic("pebble: fatal: " + fmt.Sprintf(format, args...))
}

func options(t testing.TB, fs vfs.FS) *pebble.Options {
	return &pebble.Options{
		FS: fs, Logger: fatalLogger{t},
		MemTableSize: 64 << 10, FormatMajorVersion: pebble.FormatNewest,
	}
}

func openStore(t testing.TB, fs vfs.FS) *pebble.DB {
	t.Helper()
	db, err := pebble.Open("store", options(t, fs))
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// contents reads a whole store, forwards, and each key once more by itself.
func contents(db *pebble.DB) (model, error) {
	m := model{}
	it, err := db.NewIter(nil)
	if err != nil {
		return nil, err
	}
	for ok := it.First(); ok; ok = it.Next() {
		v, err := it.ValueAndErr()
		if err != nil {
			return nil, errors.Join(err, it.Close())
		}
		m[string(it.Key())] = string(v)
	}
	if err := it.Close(); err != nil {
		return nil, err
	}
	for key, want := range m {
		v, closer, err := db.Get([]byte(key))
		if err != nil {
			return nil, err
		}
		if string(v) != want {
			return nil, fmt.Errorf("get and scan differ")
		}
		closer.Close()
	}
	return m, nil
}

// readStore opens a store for reading only and reads all of it.
func readStore(t testing.TB, fs vfs.FS) (m model, err error) {
	o := options(t, fs)
	o.ReadOnly = true
	db, err := pebble.Open("store", o)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return contents(db)
}

func diff(got, want model) string {
	for k, v := range want {
		if got[k] != v {
			return fmt.Sprintf("%q has %d bytes, want %d", k, len(got[k]), len(v))
		}
	}
	for k := range got {
		if _, ok := want[k]; !ok {
			return fmt.Sprintf("%q should not be there", k)
		}
	}
	return ""
}

// checkPrefix fails unless m is what the workload had at some op from least on,
// and returns that op.
func (w workload) checkPrefix(t testing.TB, m model, least int) int {
	t.Helper()
	n := 0
	if s, ok := m[seqKey]; ok {
		fmt.Sscan(s, &n)
	}
	if n < least {
		t.Fatalf("the store is at op %d, but op %d was durable", n, least)
	}
	if d := diff(m, w.after(n)); d != "" {
		t.Fatalf("at op %d: %s", n, d)
	}
	return n
}

// image is a directory's files by name.
type image map[string][]byte

func snapshot(t testing.TB, fs vfs.FS, dir string) image {
	t.Helper()
	names, err := fs.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	img := image{}
	for _, name := range names {
		f, err := fs.Open(fs.PathJoin(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		info, err := f.Stat()
		if err != nil {
			t.Fatal(err)
		}
		if info.IsDir() {
			continue
		}
		b := make([]byte, info.Size())
		if len(b) > 0 {
			if _, err := f.ReadAt(b, 0); err != nil {
				t.Fatal(err)
			}
		}
		f.Close()
		img[name] = b
	}
	return img
}

func (img image) fs(t testing.TB) *vfs.MemFS {
	t.Helper()
	mem := vfs.NewMem()
	if err := mem.MkdirAll("store", 0o700); err != nil {
		t.Fatal(err)
	}
	for name, b := range img {
		f, err := mem.Create("store/"+name, vfs.WriteCategoryUnspecified)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(slices.Clone(b)); err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
	return mem
}

func (img image) with(name string, b []byte) image {
	out := maps.Clone(img)
	out[name] = b
	return out
}

// names returns the names of the files that hold something.
func (img image) names() []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(img)), func(n string) bool { return len(img[n]) == 0 })
}

// contentEnd is where the zeros ahead of a log's end begin.
func contentEnd(b []byte) int { return len(bytes.TrimRight(b, "\x00")) }

func isLog(name string) bool {
	return strings.HasSuffix(name, ".log") || strings.HasPrefix(name, "MANIFEST-")
}

const smallOps = 230

// smallStore is a cleanly closed store with tables, options, a manifest, and a log
// that holds more than the tables.
func smallStore(t testing.TB, s crypt.Suite, k *crypt.Keyring, w workload) image {
	t.Helper()
	mem := vfs.NewMem()
	db := openStore(t, crypt.NewFSOf(s, mem, k, nil))
	w.run(t, db, 1, smallOps)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	img := snapshot(t, mem, "store")
	logs := slices.DeleteFunc(img.names(), func(n string) bool { return !strings.HasSuffix(n, ".log") })
	for _, obsolete := range logs[:len(logs)-1] { // Pebble keeps one to use it again, and never reads it
		delete(img, obsolete)
	}
	return img
}
