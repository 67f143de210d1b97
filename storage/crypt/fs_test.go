package crypt_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"settle/storage/crypt"
)

func TestStoreReopens(t *testing.T) {
	for name, s := range suites {
		t.Run(name, func(t *testing.T) {
			w, k := workload{1}, newKeyring(t)
			t.Chdir(t.TempDir())
			for _, mem := range []vfs.FS{vfs.NewMem(), vfs.Default} {
				fs := crypt.NewFSOf(s, mem, k, nil)
				for generation := range 3 {
					db := openStore(t, fs)
					m, err := contents(db)
					if err != nil {
						t.Fatal(err)
					}
					w.checkPrefix(t, m, generation*150)
					w.run(t, db, generation*150+1, generation*150+150)
					if err := db.Close(); err != nil {
						t.Fatal(err)
					}
				}
			}
		})
	}
}

// TestFileSizes writes files of every interesting length in random pieces, and
// reads them in random pieces.
func TestFileSizes(t *testing.T) {
	for name, s := range suites {
		t.Run(name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(7, 7))
			fs := crypt.NewFSOf(s, vfs.NewMem(), newKeyring(t), nil)
			payload := crypt.PageSize - 28
			if s == crypt.SuiteXChaCha {
				payload = crypt.PageSize - 40
			}
			for _, size := range []int{0, 1, payload - 1, payload, payload + 1, 2 * payload, 16 * payload, 17*payload + 5, 300_000} {
				want := make([]byte, size)
				for i := range want {
					want[i] = byte(rng.Uint32())
				}
				writeFile(t, fs, "a.sst", want, func() int { return 1 + rng.IntN(9000) })
				checkReads(t, fs, want, rng)
			}
		})
	}
}

func writeFile(t testing.TB, fs vfs.FS, name string, b []byte, piece func() int) {
	t.Helper()
	f, err := fs.Create(name, vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; len(b) > 0; i++ {
		n := min(len(b), piece())
		if wrote, err := f.Write(b[:n]); err != nil || wrote != n {
			t.Fatal(wrote, err)
		}
		b = b[n:]
		if i%5 == 0 {
			if err := f.Sync(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func checkReads(t *testing.T, fs vfs.FS, want []byte, rng *rand.Rand) {
	t.Helper()
	info, err := fs.Stat("a.sst")
	if err != nil || info.Size() != int64(len(want)) {
		t.Fatalf("size %v, want %d (%v)", info, len(want), err)
	}
	f, err := fs.Open("a.sst")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || info.Size() != int64(len(want)) {
		t.Fatal(info.Size(), err)
	}
	if got, err := io.ReadAll(f); err != nil || !bytes.Equal(got, want) {
		t.Fatalf("%d bytes: read %d bytes, %v", len(want), len(got), err)
	}
	for range 50 {
		off, p := rng.IntN(len(want)+10), make([]byte, 1+rng.IntN(100_000))
		n, err := f.ReadAt(p, int64(off))
		wantN := max(0, min(len(p), len(want)-off))
		if n != wantN || (err == io.EOF) != (n < len(p)) || err != nil && err != io.EOF {
			t.Fatalf("ReadAt(%d bytes, %d) of %d: %d, %v", len(p), off, len(want), n, err)
		}
		if !bytes.Equal(p[:n], want[min(off, len(want)):][:n]) {
			t.Fatal("other bytes")
		}
	}
}

func TestRefusals(t *testing.T) {
	mem := vfs.NewMem()
	fs := crypt.NewFS(mem, newKeyring(t))
	one := func() int { return 1 << 20 }
	writeFile(t, fs, "000001.sst", []byte("table"), one)
	writeFile(t, fs, "temporary.000003.dbtmp", []byte("options"), one)
	writeFile(t, fs, "000009.log", []byte("log"), one)
	if err := mem.MkdirAll("dir", 0o700); err != nil {
		t.Fatal(err)
	}
	open := func(name string) vfs.File {
		f, err := fs.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	create := func(name string) vfs.File {
		f, err := fs.Create(name, vfs.WriteCategoryUnspecified)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	second := func(_ any, err error) error { return err }
	for name, err := range map[string]error{
		"link":                 fs.Link("000001.sst", "000002.sst"),
		"rename":               fs.Rename("000001.sst", "000002.sst"),
		"open read-write":      second(fs.OpenReadWrite("000001.sst", vfs.WriteCategoryUnspecified)),
		"write at, table":      second(create("000005.sst").WriteAt([]byte("x"), 0)),
		"write at, log":        second(create("000006.log").WriteAt([]byte("x"), 0)),
		"write at, reader":     second(open("000001.sst").WriteAt([]byte("x"), 0)),
		"read at, log":         second(open("000009.log").ReadAt(make([]byte, 1), 0)),
		"write at, log reader": second(open("000009.log").WriteAt([]byte("x"), 0)),
	} {
		if !errors.Is(err, vfs.ErrUnsupported) {
			t.Errorf("%s: %v", name, err)
		}
		if os.IsPermission(err) || os.IsExist(err) || os.IsNotExist(err) {
			t.Errorf("%s: Pebble would not fall back to copying on %v", name, err)
		}
	}
	if err := fs.Rename("temporary.000003.dbtmp", "OPTIONS-000003"); err != nil {
		t.Error(err)
	}
	if b, err := io.ReadAll(open("OPTIONS-000003")); err != nil || string(b) != "options" {
		t.Errorf("%q, %v", b, err)
	}
	if err := fs.Rename("dir", "dir2"); err != nil {
		t.Error(err)
	}
	if err := vfs.LinkOrCopy(fs, "000001.sst", "dir2/000008.sst"); err != nil {
		t.Error(err)
	}
	if b, err := io.ReadAll(open("dir2/000008.sst")); err != nil || string(b) != "table" {
		t.Errorf("%q, %v", b, err)
	}
}

func TestReuseMakesANewFile(t *testing.T) {
	mem := vfs.NewMem()
	fs := crypt.NewFS(mem, newKeyring(t))
	writeFile(t, fs, "000001.log", []byte("old"), func() int { return 99 })
	f, err := fs.ReuseForWrite("000001.log", "000002.log", vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if info, err := mem.Stat("000002.log"); err != nil || info.Size() != 0 {
		t.Errorf("the new file has %v bytes, %v", info.Size(), err)
	}
	if _, err := mem.Stat("000001.log"); err == nil {
		t.Error("the old file is still there")
	}
}

func TestEmptyFilesStayEmpty(t *testing.T) {
	mem := vfs.NewMem()
	fs := crypt.NewFS(mem, newKeyring(t))
	for _, name := range []string{"marker.manifest.000001.MANIFEST-000001", "000002.log"} {
		writeFile(t, fs, name, nil, nil)
		if info, err := mem.Stat(name); err != nil || info.Size() != 0 {
			t.Error(name, info.Size(), err)
		}
		f, err := fs.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		if b, err := io.ReadAll(f); err != nil || len(b) != 0 {
			t.Error(name, b, err)
		}
		f.Close()
	}
}

// TestNothingReadable looks for what was written in everything on disk.
func TestNothingReadable(t *testing.T) {
	for name, s := range suites {
		t.Run(name, func(t *testing.T) {
			for file, b := range smallStore(t, s, newKeyring(t), workload{3}) {
				for _, text := range []string{planted, planted[:8], "leveldb.", "comparer", "pebble"} {
					if bytes.Contains(b, []byte(text)) {
						t.Errorf("%s holds %q", file, text)
					}
				}
			}
		})
	}
}
