package kv_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"settle/storage/crypt"
	"settle/storage/kv"
)

// Each benchmark runs on the engine, on the engine over sealed files, and on bare
// Pebble with the same work. Values are 1 kB and do not compress.

func benchValue() []byte {
	v := make([]byte, 1<<10)
	_, _ = rand.NewChaCha8([32]byte{}).Read(v)
	return v
}

func benchKey(n uint64) []byte { return binary.BigEndian.AppendUint64([]byte("key"), n) }

// subject is what the benchmarks compare.
type subject struct {
	put  func(from, n uint64) error // n rows in one durable commit
	get  func(n uint64) error
	scan func(from uint64, n int) error
}

func benchEngine(b *testing.B, sealed bool) subject {
	var fs vfs.FS = vfs.Default
	if sealed {
		fs = crypt.NewFS(fs, newKeyring(b))
	}
	s, err := kv.OpenPebble(kv.PebbleOptions{FS: fs, Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	v, p, ctx := benchValue(), kv.Partition{1}, b.Context()
	return subject{
		put: func(from, n uint64) error {
			return s.Update(ctx, p, func(tx kv.Tx) error {
				for i := range n {
					tx.Set(benchKey(from+i), v)
				}
				return nil
			})
		},
		get: func(n uint64) error {
			return s.View(ctx, p, func(r kv.Reader) error {
				_, err := r.GetMulti(ctx, benchKey(n))
				return err
			})
		},
		scan: func(from uint64, n int) error {
			return s.View(ctx, p, func(r kv.Reader) error {
				for _, err := range r.Scan(ctx, kv.Range{Lo: benchKey(from), Limit: n}) {
					if err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
}

func benchPebble(b *testing.B) subject {
	db, err := pebble.Open(b.TempDir(), &pebble.Options{
		CacheSize: 64 << 20, MemTableSize: 16 << 20, FormatMajorVersion: pebble.FormatNewest,
		Logger: quiet{},
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Close() })
	v := benchValue()
	return subject{
		put: func(from, n uint64) error {
			batch := db.NewBatch()
			for i := range n {
				if err := batch.Set(benchKey(from+i), v, nil); err != nil {
					return err
				}
			}
			return batch.Commit(pebble.Sync)
		},
		get: func(n uint64) error {
			_, closer, err := db.Get(benchKey(n))
			if err != nil {
				return err
			}
			return closer.Close()
		},
		scan: func(from uint64, n int) error {
			it, err := db.NewIter(nil)
			if err != nil {
				return err
			}
			for ok := it.SeekGE(benchKey(from)); ok && n > 0; ok = it.Next() {
				_ = it.Value()
				n--
			}
			return it.Close()
		},
	}
}

type quiet struct{}

func (quiet) Infof(string, ...any)           {}
func (quiet) Errorf(string, ...any)          {}
func (quiet) Fatalf(format string, a ...any) { panic(fmt.Sprintf(format, a...)) }

func eachSubject(b *testing.B, run func(b *testing.B, s subject)) {
	b.Run("engine", func(b *testing.B) { run(b, benchEngine(b, false)) })
	b.Run("sealed", func(b *testing.B) { run(b, benchEngine(b, true)) })
	b.Run("bare", func(b *testing.B) { run(b, benchPebble(b)) })
}

func BenchmarkPut(b *testing.B) {
	eachSubject(b, func(b *testing.B, s subject) {
		for n := uint64(0); b.Loop(); n++ {
			if err := s.put(n, 1); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkPut32(b *testing.B) {
	eachSubject(b, func(b *testing.B, s subject) {
		var next atomic.Uint64
		b.SetParallelism(16) // times two cores
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if err := s.put(next.Add(1), 1); err != nil {
					b.Error(err)
					return
				}
			}
		})
	})
}

func BenchmarkPutBatch1000(b *testing.B) {
	eachSubject(b, func(b *testing.B, s subject) {
		b.SetBytes(1000 << 10)
		for n := uint64(0); b.Loop(); n += 1000 {
			if err := s.put(n, 1000); err != nil {
				b.Fatal(err)
			}
		}
	})
}

const benchRows = 20_000

func BenchmarkGet(b *testing.B) {
	eachSubject(b, func(b *testing.B, s subject) {
		if err := s.put(0, benchRows); err != nil {
			b.Fatal(err)
		}
		rng := rand.New(rand.NewPCG(1, 1))
		for b.Loop() {
			if err := s.get(rng.Uint64N(benchRows)); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkScan100(b *testing.B) {
	eachSubject(b, func(b *testing.B, s subject) {
		if err := s.put(0, benchRows); err != nil {
			b.Fatal(err)
		}
		rng := rand.New(rand.NewPCG(1, 1))
		b.SetBytes(100 << 10)
		for b.Loop() {
			if err := s.scan(rng.Uint64N(benchRows-100), 100); err != nil {
				b.Fatal(err)
			}
		}
	})
}
