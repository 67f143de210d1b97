package kv_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"settle/storage/crypt"
	"settle/storage/kv"
)

const crashWriters = 4 // partitions, with two writers and a reader each

// crashRun is what the outside world knows of a store at the time of a crash.
type crashRun struct {
	acknowledged [crashWriters]atomic.Uint64 // the highest counter that Update answered for
	shown        [crashWriters]atomic.Uint64 // the highest counter that View showed
	versions     [crashWriters]atomic.Uint64 // the highest version that Versions told
}

func raise(a *atomic.Uint64, n uint64) {
	for {
		old := a.Load()
		if n <= old || a.CompareAndSwap(old, n) {
			return
		}
	}
}

// TestCrash cuts the power at random points, over several generations. What was
// acknowledged or shown before is there afterwards, whole and in order.
func TestCrash(t *testing.T) {
	for _, sealed := range []bool{false, true} {
		for seed := range uint64(6) {
			t.Run(fmt.Sprintf("sealed=%v/seed=%d", sealed, seed), func(t *testing.T) {
				keys := newKeyring(t)
				mem := vfs.NewCrashableMem()
				run := &crashRun{}
				rng := rand.New(rand.NewPCG(seed, 1))
				for range 4 {
					var fs vfs.FS = mem
					if sealed {
						fs = crypt.NewFS(mem, keys)
					}
					mem = run.generation(t, fs, mem, rng)
				}
			})
		}
	}
}

// generation opens the store, checks it, and works with it until the crash.
func (c *crashRun) generation(t *testing.T, fs vfs.FS, mem *vfs.MemFS, rng *rand.Rand) *vfs.MemFS {
	s := open(t, kv.PebbleOptions{FS: fs, Dir: "data", MemTableBytes: 64 << 10})
	c.check(t, s)
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for p := range crashWriters {
		wg.Go(func() { c.write(ctx, t, s, p) })
		wg.Go(func() { c.write(ctx, t, s, p) })
		wg.Go(func() { c.read(ctx, t, s, p) })
	}
	time.Sleep(time.Duration(rng.IntN(60)) * time.Millisecond)
	// What was known before the clone was taken has to be in it.
	before := c.known()
	clone := mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: rng.IntN(101), RNG: rng})
	stop()
	wg.Wait()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	before.restore(c)
	return clone
}

type known [3][crashWriters]uint64

func (c *crashRun) known() (k known) {
	for p := range crashWriters {
		k[0][p], k[1][p], k[2][p] = c.acknowledged[p].Load(), c.shown[p].Load(), c.versions[p].Load()
	}
	return k
}

func (k known) restore(c *crashRun) {
	for p := range crashWriters {
		c.acknowledged[p].Store(k[0][p])
		c.shown[p].Store(k[1][p])
		c.versions[p].Store(k[2][p])
	}
}

// write counts up: update n writes a row n and sets both counters to n, in one
// transaction; every third is lazy and acknowledges nothing, every fifth has a row that is
// large enough to go past the log.
func (c *crashRun) write(ctx context.Context, t *testing.T, s *kv.Pebble, p int) {
	for i := 0; ctx.Err() == nil; i++ {
		var opts []kv.UpdateOption
		if i%3 == 2 {
			opts = append(opts, kv.Lazy)
		}
		if i%5 == 4 {
			opts = append(opts, kv.Bulk)
		}
		var n uint64
		err := s.Update(ctx, crashPartition(p), func(tx kv.Tx) (err error) {
			if n, err = readCounter(ctx, tx); err != nil {
				return err
			}
			n++
			b := binary.BigEndian.AppendUint64(nil, n)
			tx.Set([]byte("first"), b)
			tx.Set(append([]byte("row"), b...), make([]byte, 100+n%400))
			tx.Set([]byte("second"), b)
			if i%5 == 4 {
				tx.Set([]byte("much"), make([]byte, 8<<10))
			}
			return nil
		}, opts...)
		switch {
		case err == nil && !slices.Contains(opts, kv.Lazy):
			raise(&c.acknowledged[p], n)
		case err != nil && ctx.Err() == nil:
			t.Errorf("Update: %v", err)
			return
		}
	}
}

func (c *crashRun) read(ctx context.Context, t *testing.T, s *kv.Pebble, p int) {
	for ctx.Err() == nil {
		err := s.View(ctx, crashPartition(p), func(r kv.Reader) error {
			n, err := readCounter(ctx, r)
			if err == nil {
				raise(&c.shown[p], n)
			}
			return err
		})
		vs, verr := s.Versions(ctx, []kv.Partition{crashPartition(p)})
		if verr == nil {
			raise(&c.versions[p], vs[0])
		}
		if (err != nil || verr != nil) && ctx.Err() == nil {
			t.Errorf("View: %v, Versions: %v", err, verr)
			return
		}
	}
}

func crashPartition(p int) kv.Partition { return kv.Partition{0xc, byte(p)} }

// readCounter returns the last number written, having checked that both counters
// agree.
func readCounter(ctx context.Context, r kv.Reader) (uint64, error) {
	vs, err := r.GetMulti(ctx, []byte("first"), []byte("second"))
	if err != nil || (vs[0] == nil && vs[1] == nil) {
		return 0, err
	}
	if string(vs[0]) != string(vs[1]) {
		return 0, fmt.Errorf("half an update: counters %x and %x", vs[0], vs[1])
	}
	return binary.BigEndian.Uint64(vs[0]), nil
}

// check compares what a crash left with what was known before it.
func (c *crashRun) check(t *testing.T, s *kv.Pebble) {
	t.Helper()
	for p := range crashWriters {
		var n uint64
		err := s.View(t.Context(), crashPartition(p), func(r kv.Reader) (err error) {
			if n, err = readCounter(t.Context(), r); err != nil {
				return err
			}
			// Every update up to the counter is there: none is missing in between.
			next := uint64(1)
			for row, err := range r.Scan(t.Context(), kv.Range{Lo: []byte("row"), Hi: []byte("rox")}) {
				if err != nil {
					return err
				}
				if got := binary.BigEndian.Uint64(row.Key[3:]); got != next || uint64(len(row.Value)) != 100+got%400 {
					return fmt.Errorf("row %d of %d bytes in the place of row %d", got, len(row.Value), next)
				}
				next++
			}
			if next != n+1 {
				return fmt.Errorf("rows up to %d, counter %d", next-1, n)
			}
			return nil
		})
		if err != nil {
			t.Fatalf("partition %d: %v", p, err)
		}
		if a, v := c.acknowledged[p].Load(), c.shown[p].Load(); n < a || n < v {
			t.Errorf("partition %d is at %d, but %d was acknowledged and %d shown", p, n, a, v)
		}
		vs, err := s.Versions(t.Context(), []kv.Partition{crashPartition(p)})
		if err != nil || vs[0] < c.versions[p].Load() {
			t.Errorf("partition %d has version %v (%v), %d was told before", p, vs, err, c.versions[p].Load())
		}
	}
}
