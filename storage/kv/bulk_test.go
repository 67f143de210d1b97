package kv_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"settle/storage/crypt"
	"settle/storage/kv"
)

// putBulk commits so many rows of 1 kB.
func putBulk(t *testing.T, s *kv.Pebble, from, n int, opts ...kv.UpdateOption) {
	t.Helper()
	err := s.Update(t.Context(), kv.Partition{1}, func(tx kv.Tx) error {
		for i := from; i < from+n; i++ {
			tx.Set(fmt.Appendf(nil, "%06d", i), make([]byte, 1<<10))
		}
		return nil
	}, append(opts, kv.Bulk)...)
	if err != nil {
		t.Fatal(err)
	}
}

// Which commits go past the log: large ones that delete nothing.
func TestBulk(t *testing.T) {
	for _, tt := range []struct {
		name   string
		commit func(tx kv.Tx)
		want   bool
	}{
		{"small", func(tx kv.Tx) { tx.Set([]byte("k"), make([]byte, 1<<10)) }, false},
		{"large", func(tx kv.Tx) { tx.Set([]byte("k"), make([]byte, 1<<20)) }, true},
		{"a deletion", func(tx kv.Tx) { tx.Set([]byte("k"), make([]byte, 1<<20)); tx.Delete([]byte("l")) }, false},
		{"a range", func(tx kv.Tx) { tx.Set([]byte("k"), make([]byte, 1<<20)); tx.DeleteRange([]byte("l"), nil) }, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := open(t, kv.PebbleOptions{FS: crypt.NewFS(vfs.NewMem(), newKeyring(t)), Dir: "data"})
			defer s.Close()
			p := kv.Partition{1}
			before, err := s.Versions(t.Context(), []kv.Partition{p})
			if err != nil {
				t.Fatal(err)
			}
			woken := s.Wait(p)
			if err := s.Update(t.Context(), p, func(tx kv.Tx) error { tt.commit(tx); return nil }, kv.Bulk); err != nil {
				t.Fatal(err)
			}
			if got := kv.Ingested(s) > 0; got != tt.want {
				t.Errorf("past the log: %v, want %v", got, tt.want)
			}
			after, err := s.Versions(t.Context(), []kv.Partition{p})
			if err != nil || after[0] <= before[0] {
				t.Errorf("version %v behind %v, %v", after, before, err)
			}
			select {
			case <-woken:
			case <-time.After(time.Minute):
				t.Error("who waits for a commit was not woken")
			}
		})
	}
}

// What cannot be written to tables goes through the log, and nothing is lost.
func TestBulkFaults(t *testing.T) {
	for name, kind := range map[string]errorfs.OpKind{
		"creation": errorfs.OpCreate, "write": errorfs.OpFileWrite, "sync": errorfs.OpFileSync,
	} {
		for _, sealed := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/sealed=%v", name, sealed), func(t *testing.T) {
				f := &faults{kinds: []errorfs.OpKind{kind}, file: ".sst"}
				var fs vfs.FS = errorfs.Wrap(vfs.NewMem(), f)
				if sealed {
					fs = crypt.NewFS(fs, newKeyring(t))
				}
				o := kv.PebbleOptions{FS: fs, Dir: "data", MemTableBytes: 256 << 10}
				s := open(t, o)
				f.on.Store(true)
				putBulk(t, s, 0, 50)
				if n := kv.Ingested(s); n != 0 {
					t.Errorf("%d tables written", n)
				}
				if n := countRows(t, s, kv.Partition{1}); n != 50 {
					t.Errorf("%d rows, want 50", n)
				}
				if left := tables(t, fs); len(left) > 0 {
					t.Errorf("the files %q are left", left)
				}
				f.on.Store(false)
				putBulk(t, s, 40, 50, kv.Lazy)
				if n := kv.Ingested(s); n == 0 {
					t.Error("no tables written, once that was possible")
				}
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				s = open(t, o)
				defer s.Close()
				if n := countRows(t, s, kv.Partition{1}); n != 90 {
					t.Errorf("%d rows, want 90", n)
				}
			})
		}
	}
}

// tables returns the names of the tables in a store's directory.
func tables(t *testing.T, fs vfs.FS) []string {
	t.Helper()
	names, err := fs.List("data")
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(names, func(name string) bool { return !strings.HasSuffix(name, ".sst") })
}

// Near the end of the disk every commit goes through the log.
func TestBulkNearTheEnd(t *testing.T) {
	const memTable, reserve = 1 << 20, 8 << 20
	fs := &usageFS{FS: vfs.NewMem(), free: plenty}
	s := open(t, kv.PebbleOptions{FS: fs, Dir: "data", MemTableBytes: memTable, ReserveBytes: reserve})
	defer s.Close()
	for _, step := range []struct {
		free uint64
		past bool
	}{{plenty, true}, {3 * (2*memTable + reserve), false}, {plenty, true}} {
		fs.set(step.free, nil)
		for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
			before := kv.Ingested(s)
			putBulk(t, s, 0, 100)
			if past := kv.Ingested(s) > before; past == step.past {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("%d bytes free: past the log %v", step.free, !step.past)
			}
		}
	}
}

// noFlush is a file system where memtables cannot be flushed for a while.
type noFlush struct {
	vfs.FS
	on atomic.Bool
}

func (f *noFlush) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if f.on.Load() && c == "pebble-memtable-flush" {
		time.Sleep(10 * time.Millisecond) // Pebble tries again at once
		return nil, errInjected
	}
	return f.FS.Create(name, c)
}

// While memtables cannot be flushed, and there is room in them, commits go on.
func TestBulkWithoutFlush(t *testing.T) {
	fs := &noFlush{FS: vfs.NewMem()}
	s := open(t, kv.PebbleOptions{FS: fs, Dir: "data", MemTableBytes: 4 << 20})
	for i := range 200 { // until memtables have their size
		err := s.Update(t.Context(), kv.Partition{2}, func(tx kv.Tx) error {
			tx.Set(fmt.Append(nil, i), make([]byte, 200<<10))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Compact(t.Context(), kv.Partition{2}); err != nil {
		t.Fatal(err)
	}
	fs.on.Store(true)
	inTime(t, "commits over the same rows", func() error {
		for range 5 {
			putBulk(t, s, 0, 10)  // in the memtable
			putBulk(t, s, 0, 300) // over it
		}
		return nil
	})
	inTime(t, "Drop", func() error { return s.Drop(t.Context(), kv.Partition{2}) })
	if kv.Ingested(s) == 0 {
		t.Error("nothing went past the log")
	}
	fs.on.Store(false)
	inTime(t, "Close", s.Close)
}

// A lazy commit, and a bulk one behind it: no crash leaves the second without the first.
func TestBulkKeepsOrder(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 1))
			mem := vfs.NewCrashableMem()
			o := kv.PebbleOptions{FS: mem, Dir: "data", MemTableBytes: 64 << 10}
			s := open(t, o)
			ctx, stop := context.WithCancel(t.Context())
			var writing sync.WaitGroup
			writing.Go(func() { writePairs(ctx, s) })
			time.Sleep(time.Duration(20+rng.IntN(40)) * time.Millisecond)
			o.FS = mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: rng.IntN(101), RNG: rng})
			stop()
			writing.Wait()
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s = open(t, o)
			defer s.Close()
			lazy, bulk := readNumber(t, s, kv.Partition{1}), readNumber(t, s, kv.Partition{2})
			if bulk > lazy {
				t.Errorf("the lazy commits up to %d are there, the bulk ones up to %d", lazy, bulk)
			}
		})
	}
}

// writePairs commits numbers to two partitions, first lazily, then in bulk.
func writePairs(ctx context.Context, s *kv.Pebble) {
	for n, err := uint64(1), error(nil); err == nil; n++ {
		number := binary.BigEndian.AppendUint64(nil, n)
		err = s.Update(ctx, kv.Partition{1}, func(tx kv.Tx) error {
			tx.Set([]byte("n"), number)
			return nil
		}, kv.Lazy)
		if err != nil {
			return
		}
		err = s.Update(ctx, kv.Partition{2}, func(tx kv.Tx) error {
			tx.Set([]byte("n"), number)
			tx.Set([]byte("much"), make([]byte, 32<<10))
			return nil
		}, kv.Lazy, kv.Bulk)
	}
}

// readNumber returns the number in a partition, 0 where there is none.
func readNumber(t *testing.T, s *kv.Pebble, p kv.Partition) (n uint64) {
	t.Helper()
	err := s.View(t.Context(), p, func(r kv.Reader) error {
		number, err := kv.GetOne(t.Context(), r, []byte("n"))
		if number != nil {
			n = binary.BigEndian.Uint64(number)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}
