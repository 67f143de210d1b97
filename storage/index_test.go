package storage_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"settle/storage"
	"settle/storage/couch"
	"settle/storage/kv"
)

func openIndex(t testing.TB, db *storage.Database, name string) kv.Partition {
	t.Helper()
	p, err := db.OpenIndex(context.Background(), name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func indexes(t testing.TB, db *storage.Database) []string {
	t.Helper()
	var names []string
	for name, err := range db.Indexes(context.Background()) {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	return names
}

func setIndexRow(db *storage.Database, p kv.Partition, key, value string) error {
	return db.IndexUpdate(context.Background(), p, func(tx kv.Tx) error {
		tx.Set([]byte(key), []byte(value))
		return nil
	})
}

// indexRows returns the rows of an index, or the error's text.
func indexRows(db *storage.Database, p kv.Partition) string {
	var rows []string
	err := db.IndexView(context.Background(), p, func(r kv.Reader) error {
		for row, err := range r.Scan(context.Background(), kv.Range{}) {
			if err != nil {
				return err
			}
			rows = append(rows, fmt.Sprintf("%s=%s", row.Key, row.Value))
		}
		return nil
	})
	if err != nil {
		return err.Error()
	}
	return strings.Join(rows, " ")
}

func mustSetRow(t testing.TB, db *storage.Database, p kv.Partition, key, value string) {
	t.Helper()
	if err := setIndexRow(db, p, key, value); err != nil {
		t.Fatal(err)
	}
}

// An index is a partition of its own, which stays with its database.
func TestIndex(t *testing.T) {
	b := newBench(t)
	db, other := b.create("alpha"), b.create("beta")
	long := strings.Repeat("x", 200)
	first, second := openIndex(t, db, "first"), openIndex(t, db, long)
	foreign := openIndex(t, other, "first")
	if first == second || first == foreign || openIndex(t, db, "first") != first {
		t.Fatalf("the partitions are %x %x %x", first, second, foreign)
	}
	mustSetRow(t, db, first, "a", "1")
	mustSetRow(t, db, second, "a", "2")
	if got := indexes(t, db); !slices.Equal(got, []string{"first", long}) {
		t.Errorf("the indexes are %q", got)
	}
	b.reopen()
	db, err := b.store.Database(context.Background(), "alpha")
	if err != nil {
		t.Fatal(err)
	}
	if got := indexRows(db, openIndex(t, db, "first")) + " " + indexRows(db, openIndex(t, db, long)); got != "a=1 a=2" {
		t.Errorf("after opening the store again: %s", got)
	}
	for _, bad := range []string{"", long + "x"} {
		if _, err := db.OpenIndex(context.Background(), bad); !errors.Is(err, &couch.Error{Kind: couch.BadRequest}) {
			t.Errorf("an index named %q: %v", bad, err)
		}
	}
}

// What an index does to its rows leaves the one alone that makes it exist.
func TestIndexRowsAreItsOwn(t *testing.T) {
	db := newBench(t).create("alpha")
	p := openIndex(t, db, "x")
	mustSetRow(t, db, p, "\x01", "low")
	mustSetRow(t, db, p, "k", "v")
	if got := indexRows(db, p); got != "\x01=low k=v" {
		t.Errorf("%q", got)
	}
	for _, key := range []string{"", "\x00", "\x00a"} {
		if err := setIndexRow(db, p, key, "v"); !errors.Is(err, &couch.Error{Kind: couch.Internal}) {
			t.Errorf("the key %q: %v", key, err)
		}
	}
	err := db.IndexUpdate(context.Background(), p, func(tx kv.Tx) error {
		tx.DeleteRange(nil, []byte{0, 1})
		tx.DeleteRange(nil, nil)
		tx.Set([]byte("new"), nil)
		return nil
	})
	if got := indexRows(db, p); err != nil || got != "new=" {
		t.Errorf("%q, %v", got, err)
	}
}

// All who open an index at once get the same one.
func TestIndexOpenedAtOnce(t *testing.T) {
	b := newBench(t)
	db := b.create("alpha")
	found := make([]kv.Partition, 8)
	var wg sync.WaitGroup
	for i := range found {
		wg.Go(func() { found[i], _ = db.OpenIndex(context.Background(), "x") })
	}
	wg.Wait()
	if len(slices.Compact(found)) != 1 || found[0] == (kv.Partition{}) {
		t.Errorf("%x", found)
	}
	mustSetRow(t, db, found[0], "k", "v")
}

func TestDropIndex(t *testing.T) {
	ctx := context.Background()
	b := newBench(t)
	db := b.create("alpha")
	p, kept := openIndex(t, db, "x"), openIndex(t, db, "y")
	mustSetRow(t, db, p, "k", "v")
	mustSetRow(t, db, kept, "k", "v")
	for range 2 {
		if err := db.DropIndex(ctx, "x"); err != nil {
			t.Fatal(err)
		}
	}
	if got := indexRows(db, p) + " " + indexRows(db, kept); got != "missing k=v" {
		t.Errorf("the rows are %s", got)
	}
	if err := setIndexRow(db, p, "k", "v"); !errors.Is(err, couch.ErrNotFound) {
		t.Errorf("writing to a dropped index: %v", err)
	}
	again := openIndex(t, db, "x")
	if got := indexRows(db, again); got != "" || again == p {
		t.Errorf("made again it has %s", got)
	}
}

// A dropped database takes its indexes along, and lets none be made.
func TestIndexesOfADroppedDatabase(t *testing.T) {
	ctx := context.Background()
	b := newBench(t)
	db := b.create("alpha")
	p := openIndex(t, db, "x")
	mustSetRow(t, db, p, "k", "planted")
	if err := b.store.DropDatabase(ctx, "alpha"); err != nil {
		t.Fatal(err)
	}
	_, err := db.OpenIndex(ctx, "y")
	for what, err := range map[string]error{
		"making an index": err,
		"dropping one":    db.DropIndex(ctx, "x"),
		"writing to one":  setIndexRow(db, p, "k", "v"),
		"reading one":     db.IndexView(ctx, p, func(kv.Reader) error { return nil }),
	} {
		if !errors.Is(err, couch.ErrDatabaseMissing) {
			t.Errorf("%s: %v", what, err)
		}
	}
	b.store.WaitForBackground()
	if got := partitions(t, b); len(got) > 0 {
		t.Errorf("partitions %v are left", got)
	}
}

// partitions returns those of databases, indexes and spools.
func partitions(t testing.TB, b *bench) []kv.Partition {
	t.Helper()
	found, err := b.kv.Partitions(context.Background(), kv.Partition{7: 15}, 100)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestIndexCrash cuts the power while indexes and their databases are made and
// dropped: an index that was opened is there, and of those dropped nothing is left.
func TestIndexCrash(t *testing.T) {
	for seed := range uint64(30) {
		rng := rand.New(rand.NewPCG(seed, 21))
		mem := vfs.NewCrashableMem()
		b := newBenchOn(t, mem)
		names := [3]string{"alpha", "beta", "gamma"}
		stop := make(chan struct{})
		var wg sync.WaitGroup
		for _, name := range names {
			b.create(name)
			wg.Go(func() { makeAndDrop(t, b, name, stop) })
		}
		for range rng.IntN(60) {
			<-b.store.DatabasesChanged()
		}
		b.fs = mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: rng.IntN(101), RNG: rng})
		close(stop)
		wg.Wait()
		b.close()
		b.open()
		b.check()
		b.store.WaitForBackground()
		b.check()
		left := partitions(t, b)
		for _, name := range names {
			db, err := b.store.Database(context.Background(), name)
			if err != nil {
				continue
			}
			left = left[1:]
			for _, index := range indexes(t, db) {
				if got := indexRows(db, openIndex(t, db, index)); got != "" && got != "k=v" {
					t.Errorf("seed %d: %s of %s has the rows %s", seed, index, name, got)
				}
				left = left[1:]
			}
		}
		if len(left) > 0 {
			t.Errorf("seed %d: %d partitions belong to nobody", seed, len(left))
		}
	}
}

func makeAndDrop(t *testing.T, b *bench, name string, stop <-chan struct{}) {
	ctx := context.Background()
	for n := 0; running(stop); n++ {
		db, err := b.store.Database(ctx, name)
		if errors.Is(err, couch.ErrDatabaseMissing) {
			db, err = b.store.CreateDatabase(ctx, name, storage.CreateOptions{})
		}
		if err != nil {
			t.Error(err)
			return
		}
		p, err := db.OpenIndex(ctx, fmt.Sprint(n%3))
		if err == nil {
			err = setIndexRow(db, p, "k", "v")
		}
		switch n % 5 {
		case 2, 3:
			err = errors.Join(err, db.DropIndex(ctx, fmt.Sprint(n%2)))
		case 4:
			err = errors.Join(err, b.store.DropDatabase(ctx, name))
		}
		if err != nil {
			t.Error(err)
			return
		}
	}
}
