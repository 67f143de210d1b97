package view_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"settle/storage/couch"
	"settle/storage/view"
)

// The power goes while an index is built and changed: on what is left of it the
// index goes on, and is then what mapping everything gives.
func TestCrash(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 9))
			mem := vfs.NewCrashableMem()
			b := newBenchOn(t, mem, false)
			d := modelDefinition()
			for round := range 4 {
				edit(b, rng, 20*(round%2)) // many documents, and few
				mem = crash(b, d, mem, rng)
				if found := b.check(); len(found) > 0 {
					t.Errorf("round %d: behind the crash a check finds %q", round, found)
				}
				for v := range d.Views {
					m := newModel(b, d, v)
					m.check(b, d, view.Ref{View: v, Reduce: -1}, all())
					for reduce := range d.Views[v].Reduces {
						m.check(b, d, view.Ref{View: v, Reduce: reduce}, all())
						q := all()
						q.GroupLevel = 1
						m.check(b, d, view.Ref{View: v, Reduce: reduce}, q)
					}
				}
			}
		})
	}
}

// crash takes what a crash would leave at some moment of an update, and goes on from
// there.
func crash(b *bench, d *view.Definition, mem *vfs.MemFS, rng *rand.Rand) *vfs.MemFS {
	b.t.Helper()
	updated := make(chan error, 1)
	ix := b.index(d)
	go func() { updated <- ix.Update(context.Background()) }()
	time.Sleep(time.Duration(rng.IntN(60)) * time.Millisecond)
	left := mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: rng.IntN(101), RNG: rng})
	if err := <-updated; err != nil {
		b.t.Fatal(err)
	}
	b.close()
	b.fs = left
	b.open()
	b.openDatabase()
	return left
}

// Indexes that are closed while one is built leave what another run completes.
func TestCloseDuringUpdate(t *testing.T) {
	b := newBench(t, false)
	d := modelDefinition()
	rng := rand.New(rand.NewPCG(5, 5))
	edit(b, rng, 0)
	for i := range 5 {
		ix := b.index(d)
		updated := make(chan error, 1)
		go func() { updated <- ix.Update(ctx) }()
		time.Sleep(time.Duration(i*10) * time.Millisecond)
		b.reopen()
		if err := <-updated; err != nil && !errors.Is(err, couch.ErrUnavailable) && !errors.Is(err, context.Canceled) {
			t.Errorf("an update that is stopped gives %v", err)
		}
		if found := b.check(); len(found) > 0 {
			t.Errorf("a check finds %q", found)
		}
	}
	for v := range d.Views {
		newModel(b, d, v).check(b, d, view.Ref{View: v, Reduce: 0}, all())
	}
}
