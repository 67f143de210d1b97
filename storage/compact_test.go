package storage_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"settle/storage"
	"settle/storage/couch"
)

// newWastefulBench opens a store that compacts databases by itself.
func newWastefulBench(t testing.TB) *bench {
	b := newBench(t)
	b.compact = storage.AutoCompaction{MinBytes: 20_000, MinPercent: 50, Rest: 10 * time.Millisecond}
	b.reopen()
	return b
}

// eventually waits for what the background does.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("in vain: %s", what)
		}
	}
}

// A database whose superseded revisions hold the most of it is compacted; one with
// less is not.
func TestAutoCompaction(t *testing.T) {
	b := newWastefulBench(t)
	pad := fmt.Sprintf(`{"pad":%q}`, strings.Repeat("x", 1000))
	thrifty, wasteful := b.create("thrifty"), b.create("wasteful")
	for i := range 100 {
		mustPut(t, thrifty, fmt.Sprint("doc", i), "", pad)
	}
	kept := mustPut(t, thrifty, "doc", "", pad)
	mustPut(t, thrifty, "doc", kept, pad)
	first := mustPut(t, wasteful, "doc", "", pad, blob(t, wasteful, "a", "text/plain", strings.Repeat("x", 50_000)))
	for i, rev := 0, first; i < 100; i++ {
		rev = mustPut(t, wasteful, "doc", rev, pad)
	}
	eventually(t, "compaction", func() bool { return get(t, wasteful, "doc", couch.GetOptions{Rev: parseRev(t, first)}) == "missing" })
	eventually(t, "its end", func() bool { return b.store.Tasks() == nil })
	eventually(t, "no files", func() bool { return len(blobFiles(t, b.fs, "data/blobs")) == 0 })
	if got := get(t, thrifty, "doc", couch.GetOptions{Rev: parseRev(t, kept)}); got == "missing" {
		t.Error("a database with little garbage was compacted")
	}
	eventually(t, "little garbage", func() bool { s := info(t, wasteful).Sizes; return s.File-s.Active < 20_000 })
	eventually(t, "the end of the last", func() bool { return b.store.Tasks() == nil })
}

// What is superseded while a compaction runs is not taken for what it had to leave.
func TestAutoCompactionGoesOn(t *testing.T) {
	b := newWastefulBench(t)
	db := b.create("alpha")
	pad := fmt.Sprintf(`{"pad":%q}`, strings.Repeat("x", 1000))
	for i := range 60 {
		rev := mustPut(t, db, fmt.Sprint("doc", i), "", pad)
		mustPut(t, db, fmt.Sprint("doc", i), rev, `{}`)
	}
	eventually(t, "a compaction", func() bool { return len(b.store.Tasks()) > 0 || info(t, db).Sizes.File < 20_000 })
	for i, rev := 0, ""; i < 60; i++ { // a document that is visited before the others
		rev = mustPut(t, db, "a", rev, pad)
	}
	eventually(t, "little garbage", func() bool { s := info(t, db).Sizes; return s.File-s.Active < 20_000 })
	eventually(t, "its end", func() bool { return b.store.Tasks() == nil })
}

// A compaction in the background tells how far it is and lets writers through. Who
// asks for one meanwhile waits for it, and for his own.
func TestCompactionUnderWay(t *testing.T) {
	b := newWastefulBench(t)
	db := b.create("alpha")
	var docs []*couch.Document
	const n = 400
	for i := range n {
		docs = append(docs, document(t, fmt.Sprintf("doc%03d", i), `{}`))
	}
	results, err := db.BulkDocs(context.Background(), storage.Docs(docs...))
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range results {
		docs[i] = document(t, string(r.ID), fmt.Sprintf(`{"pad":%q}`, strings.Repeat("x", 400)))
		docs[i].Revisions = couch.PathTo(r.Rev)
	}
	results, err = db.BulkDocs(context.Background(), storage.Docs(docs...))
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range results {
		docs[i] = document(t, string(r.ID), `{}`)
		docs[i].Revisions = couch.PathTo(r.Rev)
	}
	if _, err = db.BulkDocs(context.Background(), storage.Docs(docs...)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "progress", func() bool {
		tasks := b.store.Tasks()
		return len(tasks) == 1 && tasks[0].Done > 0 || info(t, db).Sizes.File < 20_000
	})
	for i := range 10 { // while the compaction rests between its steps, or is over
		mustPut(t, db, fmt.Sprint("meanwhile", i), "", `{}`)
	}
	for _, task := range b.store.Tasks() {
		if task.Type != "database_compaction" || task.Database != "alpha" || task.Total != n || task.Done > n || task.Updated.Before(task.Started) {
			t.Errorf("%+v", task)
		}
		if !info(t, db).CompactRunning {
			t.Error("the database says that no compaction is running")
		}
	}
	superseded := mustPut(t, db, "last", "", `{}`)
	mustPut(t, db, "last", superseded, `{"v":2}`)
	if err := db.Compact(context.Background()); err != nil {
		t.Fatal(err)
	}
	if got := get(t, db, "last", couch.GetOptions{Rev: parseRev(t, superseded)}); got != "missing" {
		t.Errorf("after a compaction that began when another was under way: %s", got)
	}
}

func info(t testing.TB, db *storage.Database) couch.DatabaseInfo {
	t.Helper()
	info, err := db.Info(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return info
}

// Close and dropping end a compaction.
func TestCompactionEnds(t *testing.T) {
	for _, end := range []func(*bench) error{
		func(b *bench) error { return b.store.DropDatabase(context.Background(), "alpha") },
		func(b *bench) error { b.reopen(); return nil },
	} {
		b := newWastefulBench(t)
		db := b.create("alpha")
		for i := range 60 {
			rev := mustPut(t, db, fmt.Sprint("doc", i), "", fmt.Sprintf(`{"pad":%q}`, strings.Repeat("x", 500)))
			mustPut(t, db, fmt.Sprint("doc", i), rev, `{}`)
		}
		eventually(t, "a compaction", func() bool { return len(b.store.Tasks()) > 0 || info(t, db).Sizes.File < 20_000 })
		if err := end(b); err != nil {
			t.Fatal(err)
		}
		eventually(t, "no task", func() bool { return b.store.Tasks() == nil })
	}
}

// TestCrashWhileRemoving cuts the power while documents are written, purged and
// compacted: what was purged stays away, what was not is whole.
func TestCrashWhileRemoving(t *testing.T) {
	for seed := range uint64(6) {
		rng := rand.New(rand.NewPCG(seed, 13))
		mem := vfs.NewCrashableMem()
		b := newBenchOn(t, mem)
		db := b.create("alpha")
		var mu sync.Mutex
		leaves := make(map[string]string) // acknowledged; empty: purged
		stop := make(chan struct{})
		var wg sync.WaitGroup
		for i := range 3 {
			wg.Go(func() { writeAndPurge(t, db, fmt.Sprint(i), &mu, leaves, stop) })
		}
		wg.Go(func() {
			for running(stop) {
				if err := db.Compact(context.Background()); err != nil {
					t.Error(err)
				}
			}
		})
		for range rng.IntN(150) {
			<-db.Wait()
		}
		mu.Lock()
		known := make(map[string]string)
		for id, rev := range leaves {
			known[id] = rev
		}
		mu.Unlock()
		crashed := mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: rng.IntN(101), RNG: rng})
		close(stop)
		wg.Wait()
		b.close()
		b.fs = crashed
		b.open()
		b.check()
		db, err := b.store.Database(context.Background(), "alpha")
		if err != nil {
			t.Fatal(err)
		}
		for id, rev := range known {
			doc, err := db.Get(context.Background(), couch.DocID(id), couch.GetOptions{})
			switch {
			case rev == "" && !errors.Is(err, couch.ErrNotFound):
				t.Errorf("seed %d: %s was purged: %v", seed, id, err)
			case rev != "" && (err != nil || doc.Rev().String() != rev):
				t.Errorf("seed %d: %s at %s: %v", seed, id, rev, err)
			case rev != "":
				for _, a := range doc.Attachments {
					readBlob(t, db, a)
				}
			}
		}
	}
}

func running(stop <-chan struct{}) bool {
	select {
	case <-stop:
		return false
	default:
		return true
	}
}

// writeAndPurge writes documents of two revisions, and purges every third.
func writeAndPurge(t *testing.T, db *storage.Database, name string, mu *sync.Mutex, leaves map[string]string, stop <-chan struct{}) {
	for n := 0; running(stop); n++ {
		id := fmt.Sprint("doc", name, "-", n)
		rev := mustPut(t, db, id, "", `{}`, blob(t, db, "a", "text/plain", strings.Repeat("x", n%2*40_000)))
		rev = mustPut(t, db, id, rev, `{"v":2}`, blob(t, db, "b", "text/plain", strings.Repeat("y", n%4*20_000)))
		if n%3 == 0 {
			purge(t, db, []string{id, rev})
			rev = ""
		}
		mu.Lock()
		leaves[id] = rev
		mu.Unlock()
	}
}
