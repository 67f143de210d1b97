package storage_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"settle/storage"
	"settle/storage/couch"
)

// upkeep is what clients were told, by a server that compacts, purges and drops
// while it takes writes.
type upkeep struct {
	mu     sync.Mutex
	newest map[string]string // document → its newest acknowledged revision
	purged map[string]bool   // documents whose purge was acknowledged
	local  map[string]int    // local document → its newest acknowledged number
	there  map[string]bool   // database → it was acknowledged, or its drop was
	shown  *acknowledged     // what a feed has shown
	steps  atomic.Int64
}

func newUpkeep() *upkeep {
	return &upkeep{
		newest: make(map[string]string), purged: make(map[string]bool),
		local: make(map[string]int), there: make(map[string]bool),
		shown: &acknowledged{revs: make(map[string][]string), shown: make(map[couch.Seq]string)},
	}
}

func (u *upkeep) note(f func()) {
	u.mu.Lock()
	defer u.mu.Unlock()
	f()
	u.steps.Add(1)
}

func (u *upkeep) copy() *upkeep {
	u.mu.Lock()
	defer u.mu.Unlock()
	return &upkeep{
		newest: maps.Clone(u.newest), purged: maps.Clone(u.purged),
		local: maps.Clone(u.local), there: maps.Clone(u.there), shown: u.shown.copy(),
	}
}

// TestCrashDuringUpkeep cuts the power while documents are written, with
// attachments and local ones among them, while others are purged, the database is
// compacted, and other databases are made and dropped, all at once.
func TestCrashDuringUpkeep(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 11))
			mem := vfs.NewCrashableMem()
			b := newBenchOn(t, mem)
			b.create("alpha")
			u := newUpkeep()
			for round := range 3 {
				mem, u = u.crash(t, b, mem, rng, round)
				b.fs = mem
				b.open()
				b.check()
				u.verify(t, b)
			}
			if len(u.newest) == 0 || len(u.purged) == 0 || len(u.local) == 0 || len(u.there) == 0 {
				t.Errorf("some of the load did nothing: %d documents, %d purges, %d local, %d databases",
					len(u.newest), len(u.purged), len(u.local), len(u.there))
			}
		})
	}
}

// crash runs the load for a random time, and returns what a crash then leaves
// and what was known before it.
func (u *upkeep) crash(t *testing.T, b *bench, mem *vfs.MemFS, rng *rand.Rand, round int) (*vfs.MemFS, *upkeep) {
	db, err := b.store.Database(context.Background(), "alpha")
	if err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	repeat := func(step func(n int)) {
		wg.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
					step(n)
				}
			}
		})
	}
	name := func(kind string, n int) string { return fmt.Sprintf("%s-%d-%d", kind, round, n) }
	for w := range 2 {
		repeat(func(n int) { u.edit(t, db, name(fmt.Sprint("doc", w), n/3), n) })
	}
	repeat(func(n int) { u.purge(t, db, name("purged", n)) })
	repeat(func(n int) { u.putLocal(t, db, fmt.Sprint("_local/", n%3)) })
	repeat(func(n int) { u.makeAndDrop(t, b.store, name("passing", n), n%3 == 0) })
	repeat(func(int) {
		if err := db.Compact(context.Background()); err != nil {
			t.Errorf("Compact: %v", err)
		}
	})
	wg.Go(func() { crashFeed(t, db, u.shown, stop) })
	for until := u.steps.Load() + int64(rng.IntN(150)+60); u.steps.Load() < until; {
		<-db.Wait()
	}
	before := u.copy()
	crashed := mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: rng.IntN(101), RNG: rng})
	close(stop)
	wg.Wait()
	b.close()
	return crashed, before
}

func (u *upkeep) edit(t *testing.T, db *storage.Database, id string, n int) {
	u.mu.Lock()
	rev := u.newest[id]
	u.mu.Unlock()
	rev = mustPut(t, db, id, rev, fmt.Sprintf(`{"n":%d}`, n), blob(t, db, "a", "text/plain", strings.Repeat(id, 1+n%3*1000)))
	u.note(func() { u.newest[id] = rev })
}

func (u *upkeep) purge(t *testing.T, db *storage.Database, id string) {
	rev := mustPut(t, db, id, "", `{}`, blob(t, db, "a", "text/plain", strings.Repeat(id, 1000)))
	if _, err := db.Purge(context.Background(), []couch.RevsAsk{revsAsk(t, []string{id, rev})}); err != nil {
		t.Errorf("Purge: %v", err)
	}
	u.note(func() { u.purged[id] = true })
}

func (u *upkeep) putLocal(t *testing.T, db *storage.Database, id string) {
	u.mu.Lock()
	n := u.local[id] + 1
	u.mu.Unlock()
	d := &couch.LocalDocument{ID: couch.DocID(id), Body: couch.Body{Text: fmt.Appendf(nil, `{"n":%d}`, n)}}
	if _, err := db.PutLocal(context.Background(), d); err != nil {
		t.Errorf("PutLocal: %v", err)
	}
	u.note(func() { u.local[id] = n })
}

// makeAndDrop makes a database with a document, and drops it unless it is kept.
func (u *upkeep) makeAndDrop(t *testing.T, s *storage.Store, name string, keep bool) {
	ctx := context.Background()
	db, err := s.CreateDatabase(ctx, name, storage.CreateOptions{})
	if err != nil {
		t.Errorf("CreateDatabase: %v", err)
		return
	}
	mustPut(t, db, "d", "", `{}`, blob(t, db, "a", "text/plain", strings.Repeat(name, 1000)))
	if keep {
		u.note(func() { u.there[name] = true })
		return
	}
	if err := s.DropDatabase(ctx, name); err != nil {
		t.Errorf("DropDatabase: %v", err)
	}
	u.note(func() { u.there[name] = false })
}

// verify wants all that was acknowledged, and nothing of what was removed.
func (u *upkeep) verify(t *testing.T, b *bench) {
	t.Helper()
	ctx := context.Background()
	verify(t, b, u.shown)
	db, err := b.store.Database(ctx, "alpha")
	if err != nil {
		t.Fatal(err)
	}
	for id, rev := range u.newest {
		doc, err := db.Get(ctx, couch.DocID(id), couch.GetOptions{})
		if err != nil {
			t.Errorf("%s at %s was acknowledged: %v", id, rev, err)
			continue
		}
		if got := doc.Rev(); got.Gen < parseRev(t, rev).Gen {
			t.Errorf("%s is at %v, and %s was acknowledged", id, got, rev)
		}
		readBlob(t, db, doc.Attachments[0])
		u.newest[id] = doc.Rev().String()
	}
	for id := range u.purged {
		if _, err := db.Get(ctx, couch.DocID(id), couch.GetOptions{}); !errors.Is(err, couch.ErrNotFound) {
			t.Errorf("%s was purged: %v", id, err)
		}
	}
	for id, n := range u.local {
		d, err := db.GetLocal(ctx, couch.DocID(id))
		if err != nil {
			t.Errorf("%s was acknowledged: %v", id, err)
			continue
		}
		var got int
		if _, err := fmt.Sscanf(string(d.Body.Text), `{"n":%d}`, &got); err != nil || got < n {
			t.Errorf("%s is %s, and %d was acknowledged", id, d.Body.Text, n)
		}
		u.local[id] = got
	}
	u.verifyDatabases(t, b.store)
}

func (u *upkeep) verifyDatabases(t *testing.T, s *storage.Store) {
	t.Helper()
	for name, want := range u.there {
		db, err := s.Database(context.Background(), name)
		if got := err == nil; got != want || err != nil && !errors.Is(err, couch.ErrDatabaseMissing) {
			t.Errorf("%s: %v, want there: %v", name, err, want)
			continue
		}
		if want {
			content(t, db, "d", mustWinner(t, db, "d"), "a")
		}
	}
}
