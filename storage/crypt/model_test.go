package crypt_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"settle/storage/crypt"
)

// TestSameAsPlain runs one random workload, with flushes, compactions, snapshots,
// restarts, on a plain and on sealed file systems, and compares all answers.
func TestSameAsPlain(t *testing.T) {
	for seed := range uint64(3) {
		k := newKeyring(t)
		plain := answers(t, vfs.NewMem(), seed)
		for name, s := range suites {
			sealed := answers(t, crypt.NewFSOf(s, vfs.NewMem(), k, noncesOnce(t)), seed)
			if len(plain) != len(sealed) {
				t.Fatalf("seed %d: %d answers, plain %d", seed, len(sealed), len(plain))
			}
			for i := range plain {
				if d := diff(sealed[i], plain[i]); d != "" {
					t.Fatalf("seed %d, %s, answer %d: %s", seed, name, i, d)
				}
			}
		}
	}
}

func answers(t *testing.T, fs vfs.FS, seed uint64) (out []model) {
	t.Helper()
	rng, w := rand.New(rand.NewPCG(seed, 5)), workload{seed}
	db := openStore(t, fs)
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for n := 1; n <= 600; n++ {
		check(w.apply(db, n, pebble.NoSync))
		switch rng.IntN(60) {
		case 0:
			check(db.Flush())
		case 1:
			check(db.Compact(t.Context(), []byte("A"), []byte("z"), false))
		case 2:
			check(db.Close())
			db = openStore(t, fs)
		case 3:
			lo := rng.IntN(200)
			check(db.DeleteRange(fmt.Appendf(nil, "%s key %03d", planted, lo), fmt.Appendf(nil, "%s key %03d", planted, lo+9), pebble.Sync))
		case 4, 5, 6:
			m, err := contents(db)
			check(err)
			out = append(out, m)
		}
	}
	m, err := contents(db)
	check(err)
	check(db.Close())
	return append(out, m)
}

// benchmarkFS runs f on the disk, plain and sealed.
func benchmarkFS(b *testing.B, f func(b *testing.B, db *pebble.DB)) {
	k := newKeyring(b)
	for _, tt := range []struct {
		name string
		fs   vfs.FS
	}{
		{"plain", vfs.Default},
		{"gcm", crypt.NewFSOf(crypt.SuiteAESGCM, vfs.Default, k, nil)},
		{"xchacha", crypt.NewFSOf(crypt.SuiteXChaCha, vfs.Default, k, nil)},
	} {
		b.Run(tt.name, func(b *testing.B) {
			db, err := pebble.Open(filepath.Join(b.TempDir(), "store"), &pebble.Options{FS: tt.fs, Logger: fatalLogger{b}})
			if err != nil {
				b.Fatal(err)
			}
			f(b, db)
			if err := db.Close(); err != nil {
				b.Fatal(err)
			}
		})
	}
}

func noise(n int) []byte {
	rng := rand.NewChaCha8([32]byte{1})
	b := make([]byte, n)
	rng.Read(b)
	return b
}

// BenchmarkDurablePut is one writer that waits for the disk after each kilobyte.
func BenchmarkDurablePut(b *testing.B) {
	value := noise(1000)
	benchmarkFS(b, func(b *testing.B, db *pebble.DB) {
		for i := 0; b.Loop(); i++ {
			if err := db.Set(fmt.Appendf(nil, "key %012d", i), value, pebble.Sync); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkBulkLoad writes batches of 100 kB, and flushes in the end.
func BenchmarkBulkLoad(b *testing.B) {
	value := noise(1000)
	benchmarkFS(b, func(b *testing.B, db *pebble.DB) {
		b.SetBytes(100 * 1000)
		n := 0
		for b.Loop() {
			batch := db.NewBatch()
			for range 100 {
				n++
				batch.Set(fmt.Appendf(nil, "key %012d", uint32(n)*2654435761), value, nil)
			}
			if err := batch.Commit(pebble.NoSync); err != nil {
				b.Fatal(err)
			}
		}
		if err := db.Flush(); err != nil {
			b.Fatal(err)
		}
	})
}

// BenchmarkGet reads single keys that the block cache does not hold.
func BenchmarkGet(b *testing.B) {
	value := noise(1000)
	benchmarkFS(b, func(b *testing.B, db *pebble.DB) {
		const keys = 50_000
		for i := range keys {
			if err := db.Set(fmt.Appendf(nil, "key %012d", i), value, pebble.NoSync); err != nil {
				b.Fatal(err)
			}
		}
		if err := db.Flush(); err != nil {
			b.Fatal(err)
		}
		rng := rand.New(rand.NewPCG(1, 1))
		for b.Loop() {
			_, closer, err := db.Get(fmt.Appendf(nil, "key %012d", rng.IntN(keys)))
			if err != nil {
				b.Fatal(err)
			}
			closer.Close()
		}
	})
}
