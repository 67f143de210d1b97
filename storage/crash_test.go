package storage_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"settle/storage"
	"settle/storage/couch"
)

// acknowledged is what clients were told before the power went: for each
// document the revisions, and the sequences that a feed has shown.
type acknowledged struct {
	mu    sync.Mutex
	revs  map[string][]string
	shown map[couch.Seq]string
}

// TestCrashKeepsWhatWasAcknowledged cuts the power at random moments of a random
// load, with a random part of the unsynced data kept, several times in a row on
// the same store.
func TestCrashKeepsWhatWasAcknowledged(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 7))
			mem := vfs.NewCrashableMem()
			b := newBenchOn(t, mem)
			b.create("alpha")
			ack := &acknowledged{revs: make(map[string][]string), shown: make(map[couch.Seq]string)}
			for round := range 4 {
				after, before := crashUnderLoad(t, b, mem, rng, ack, round)
				mem = after
				b.fs = mem
				b.open()
				b.check()
				verify(t, b, before)
			}
		})
	}
}

// crashUnderLoad runs writers and a feed, takes what a crash would leave, and
// closes the store on the old disk. It returns the disk after the crash and what
// had been acknowledged before it.
func crashUnderLoad(t *testing.T, b *bench, mem *vfs.MemFS, rng *rand.Rand, ack *acknowledged, round int) (*vfs.MemFS, *acknowledged) {
	db, err := b.store.Database(context.Background(), "alpha")
	if err != nil {
		t.Fatal(err)
	}
	var writes atomic.Int64
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() { crashWriter(t, db, ack, fmt.Sprintf("%d-%d", round, i), &writes, stop) })
	}
	wg.Go(func() { crashFeed(t, db, ack, stop) })
	for until := int64(rng.IntN(120) + 5); writes.Load() < until; {
		<-db.Wait()
	}
	before := ack.copy()
	crashed := mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: rng.IntN(101), RNG: rng})
	close(stop)
	wg.Wait()
	b.close()
	ack.revs, ack.shown = before.revs, before.shown
	return crashed, before
}

func crashWriter(t *testing.T, db *storage.Database, ack *acknowledged, name string, writes *atomic.Int64, stop <-chan struct{}) {
	rev := ""
	for n := 0; ; n++ {
		select {
		case <-stop:
			return
		default:
		}
		id := fmt.Sprintf("doc %s %d", name, n/3)
		if n%3 == 0 {
			rev = ""
		}
		atts := []couch.Attachment{blob(t, db, "a", "text/plain", strings.Repeat(name, 1+n%40*1000))}
		rev = mustPut(t, db, id, rev, fmt.Sprintf(`{"n":%d}`, n), atts...)
		ack.mu.Lock()
		ack.revs[id] = append(ack.revs[id], rev)
		ack.mu.Unlock()
		writes.Add(1)
	}
}

func crashFeed(t *testing.T, db *storage.Database, ack *acknowledged, stop <-chan struct{}) {
	var since couch.Seq
	for {
		wake := db.Wait()
		for c, err := range db.Changes(context.Background(), couch.ChangesOptions{Since: since}) {
			if err != nil {
				t.Error(err)
				return
			}
			since = c.Seq
			ack.mu.Lock()
			ack.shown[c.Seq] = fmt.Sprint(c.ID, c.Revs)
			ack.mu.Unlock()
		}
		select {
		case <-stop:
			return
		case <-wake:
		}
	}
}

func (a *acknowledged) copy() *acknowledged {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := &acknowledged{revs: make(map[string][]string), shown: make(map[couch.Seq]string)}
	for id, revs := range a.revs {
		out.revs[id] = append([]string(nil), revs...)
	}
	for seq, what := range a.shown {
		out.shown[seq] = what
	}
	return out
}

// verify checks that nothing acknowledged is gone, and that every sequence that
// a feed has shown means what it meant, or has been superseded.
func verify(t *testing.T, b *bench, ack *acknowledged) {
	t.Helper()
	ctx := context.Background()
	db, err := b.store.Database(ctx, "alpha")
	if err != nil {
		t.Fatal(err)
	}
	for id, revs := range ack.revs {
		for _, rev := range revs {
			doc, err := db.Get(ctx, couch.DocID(id), couch.GetOptions{Rev: parseRev(t, rev)})
			if err != nil {
				t.Errorf("%s at %s was acknowledged: %v", id, rev, err)
				continue
			}
			readBlob(t, db, doc.Attachments[0])
		}
	}
	info, err := db.Info(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for seq := range ack.shown {
		if seq > info.UpdateSeq {
			t.Errorf("a feed has shown sequence %d, and the database is at %d", seq, info.UpdateSeq)
		}
	}
	for c, err := range db.Changes(ctx, couch.ChangesOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		if shown, ok := ack.shown[c.Seq]; ok && shown != fmt.Sprint(c.ID, c.Revs) {
			t.Errorf("sequence %d was %s and is now %s %v", c.Seq, shown, c.ID, c.Revs)
		}
	}
}

// TestCrashWhileDatabasesComeAndGo checks that a database is there or not, never
// in between.
func TestCrashWhileDatabasesComeAndGo(t *testing.T) {
	for seed := range uint64(10) {
		rng := rand.New(rand.NewPCG(seed, 3))
		mem := vfs.NewCrashableMem()
		b := newBenchOn(t, mem)
		ctx := context.Background()
		crashed := make(chan *vfs.MemFS, 1)
		at := rng.IntN(12)
		made := make(map[string]bool)
		for i := range 12 {
			if i == at {
				go func() {
					crashed <- mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: rng.IntN(101), RNG: rng})
				}()
			}
			name := fmt.Sprint("db", i/2)
			var err error
			if i%2 == 0 {
				_, err = b.store.CreateDatabase(ctx, name, storage.CreateOptions{})
			} else if i%4 == 1 {
				err = b.store.DropDatabase(ctx, name)
			}
			if err != nil {
				t.Fatal(err)
			}
			if i < at {
				made[name] = i%4 != 1
			}
		}
		after := <-crashed
		b.close()
		b.fs = after
		b.open()
		b.check()
		for name, want := range made {
			if name == fmt.Sprint("db", at/2) {
				continue // it was being changed
			}
			_, err := b.store.Database(ctx, name)
			if got := err == nil; got != want || err != nil && !errors.Is(err, couch.ErrDatabaseMissing) {
				t.Errorf("seed %d: %s: %v, want there: %v", seed, name, err, want)
			}
		}
	}
}
