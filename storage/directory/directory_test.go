package directory_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"

	"settle/storage/couch"
	"settle/storage/crypt"
	"settle/storage/directory"
	"settle/storage/kv"
	"settle/storage/schema"
)

var errDisk = errors.New("the disk fails")

// failing is an engine whose updates and drops fail behind so many. They fail before
// they are done, or after.
type failing struct {
	kv.Store
	left   int // negative: none fails
	behind bool
}

func (f *failing) fails() bool {
	f.left--
	return f.left == -1
}

func (f *failing) Update(ctx context.Context, p kv.Partition, fn func(kv.Tx) error, opts ...kv.UpdateOption) error {
	return f.do(func() error { return f.Store.Update(ctx, p, fn, opts...) })
}

func (f *failing) Drop(ctx context.Context, p kv.Partition) error {
	return f.do(func() error { return f.Store.Drop(ctx, p) })
}

func (f *failing) do(fn func() error) error {
	if !f.fails() {
		return fn()
	}
	f.left = 0 // and all that follow
	if f.behind {
		if err := fn(); err != nil {
			return err
		}
	}
	return errDisk
}

// bench is a directory on an engine in memory.
type bench struct {
	t   *testing.T
	kv  *failing
	dir *directory.Directory
}

func newBench(t *testing.T) *bench {
	t.Helper()
	store, err := kv.OpenPebble(kv.PebbleOptions{FS: vfs.NewMem(), Dir: "data", ReserveBytes: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	keyring, err := crypt.NewKeyring()
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, kv: &failing{Store: store, left: -1}}
	b.dir = directory.New(b.kv, keyring)
	return b
}

func (b *bench) create(name string) schema.DBRecord {
	b.t.Helper()
	var rec schema.DBRecord
	if _, err := b.dir.Create(b.t.Context(), name, &rec); err != nil {
		b.t.Fatal(err)
	}
	return rec
}

func (b *bench) names() []string {
	b.t.Helper()
	var all []string
	for name, err := range b.dir.Names(b.t.Context(), schema.All(schema.KindName)) {
		if err != nil {
			b.t.Fatal(err)
		}
		all = append(all, name)
	}
	return all
}

func (b *bench) unready() directory.Left {
	b.t.Helper()
	left, err := b.dir.FindUnready(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	return left
}

func (b *bench) wantUnready(want directory.Left) {
	b.t.Helper()
	if diff := cmp.Diff(want, b.unready()); diff != "" {
		b.t.Errorf("unready (-want +got):\n%s", diff)
	}
}

// rows counts the rows of a partition.
func (b *bench) rows(p kv.Partition) (n int) {
	b.t.Helper()
	err := b.kv.View(b.t.Context(), p, func(r kv.Reader) error {
		for _, err := range r.Scan(b.t.Context(), kv.Range{}) {
			if err != nil {
				return err
			}
			n++
		}
		return nil
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return n
}

func (b *bench) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func TestCreate(t *testing.T) {
	b := newBench(t)
	rec := schema.DBRecord{Partitioned: true, Incarnation: couch.Incarnation{1}}
	key, err := b.dir.Create(t.Context(), "beta", &rec)
	b.must(err)
	if other := b.create("alpha"); other.Partition == rec.Partition {
		t.Errorf("two databases are in the partition %v", rec.Partition)
	}
	got, err := b.dir.Lookup(t.Context(), "beta")
	if diff := cmp.Diff(rec, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if names := b.names(); !slices.Equal(names, []string{"alpha", "beta"}) {
		t.Errorf("the names are %q", names)
	}
	again, err := b.dir.Key(t.Context(), rec.Partition)
	b.must(err)
	sealed := key.Seal(crypt.PurposeLocal, []byte("text"))
	if text, err := again.Open(crypt.PurposeLocal, sealed, 1<<10); err != nil || string(text) != "text" {
		t.Errorf("what the first key has sealed opens to %q, %v", text, err)
	}
	if n := b.rows(rec.Partition); n != 1 {
		t.Errorf("an empty database has %d rows", n)
	}
	b.wantUnready(directory.Left{})
}

func TestErrors(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	b.create("there")
	dropped := b.create("dropped")
	_, err := b.dir.Drop(ctx, "dropped")
	b.must(err)
	b.must(b.dir.Erase(ctx, dropped.Partition))
	for _, tt := range []struct {
		name string
		do   func() error
		want error
	}{
		{"making one again", func() error { _, err := b.dir.Create(ctx, "there", &schema.DBRecord{}); return err }, couch.ErrDatabaseExists},
		{"looking for another", func() error { _, err := b.dir.Lookup(ctx, "her"); return err }, couch.ErrDatabaseMissing},
		{"looking for a dropped one", func() error { _, err := b.dir.Lookup(ctx, "dropped"); return err }, couch.ErrDatabaseMissing},
		{"dropping one again", func() error { _, err := b.dir.Drop(ctx, "dropped"); return err }, couch.ErrDatabaseMissing},
		{"the key of a dropped one", func() error { _, err := b.dir.Key(ctx, dropped.Partition); return err }, couch.ErrDatabaseMissing},
	} {
		if err := tt.do(); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
}

// What a failure, or a crash, leaves of a database that is made is found by its mark,
// and its name is free, unless the last step was done.
func TestCreateIsCutShort(t *testing.T) {
	const steps = 4
	for step := range steps {
		for _, behind := range []bool{false, true} {
			b := newBench(t)
			b.kv.left, b.kv.behind = step, behind
			var rec schema.DBRecord
			if _, err := b.dir.Create(t.Context(), "db", &rec); !errors.Is(err, errDisk) {
				t.Errorf("step %d: %v", step, err)
			}
			if sure := step > 0; sure != (rec.Partition != kv.Partition{}) { // another may get it
				t.Errorf("step %d: partition %x", step, rec.Partition)
			}
			b.kv.left = -1
			var left []kv.Partition
			done := step == steps-1 && behind
			if marked := step > 0 || behind; marked && !done {
				left = []kv.Partition{schema.Partition(schema.FirstDatabase)}
			}
			b.wantUnready(directory.Left{Databases: left})
			if got := b.names(); (len(got) == 1) != done {
				t.Errorf("step %d, behind it %v: the names are %q", step, behind, got)
			}
			if done {
				continue
			}
			for _, p := range left {
				b.must(b.dir.Erase(t.Context(), p))
				b.must(b.dir.SetReady(t.Context(), p))
				if n := b.rows(p); n != 0 {
					t.Errorf("step %d: %d rows are left", step, n)
				}
			}
			b.wantUnready(directory.Left{})
			b.create("db")
		}
	}
}

// index gives a database an index with a row, as storage does.
func (b *bench) index(of kv.Partition, name string) kv.Partition {
	b.t.Helper()
	p, err := b.dir.Take(b.t.Context(), schema.Unready{Database: of, Index: name})
	b.must(err)
	b.must(b.kv.Update(b.t.Context(), of, func(tx kv.Tx) error { tx.Set(schema.IndexKey(name), schema.EncodeIndexRow(p)); return nil }))
	b.must(b.kv.Update(b.t.Context(), p, func(tx kv.Tx) error { tx.Set([]byte("row"), nil); return nil }))
	return p
}

func TestDrop(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	kept, rec := b.create("kept"), b.create("db")
	index := b.index(rec.Partition, "x")
	b.must(b.dir.SetReady(ctx, index))
	got, err := b.dir.Drop(ctx, "db")
	if diff := cmp.Diff(rec, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	b.wantUnready(directory.Left{Databases: []kv.Partition{rec.Partition}})
	b.must(b.dir.End(ctx, rec.Partition))
	b.must(b.dir.Erase(ctx, rec.Partition))
	b.must(b.dir.EraseKeys(ctx))
	b.must(b.dir.SetReady(ctx, rec.Partition))
	for _, p := range []kv.Partition{rec.Partition, index} {
		if n := b.rows(p); n != 0 {
			t.Errorf("%d rows of the partition %v are left", n, p)
		}
	}
	if _, err := b.dir.Key(ctx, kept.Partition); err != nil {
		t.Errorf("another's key: %v", err)
	}
	if got := b.names(); !slices.Equal(got, []string{"kept"}) {
		t.Errorf("the names are %q", got)
	}
	if again := b.create("db"); again.Partition == rec.Partition {
		t.Error("a partition is given out twice")
	}
}

// A mark tells of whole indexes, of what belongs to databases, and of databases.
func TestFindUnready(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	rec := b.create("db")
	whole := b.index(rec.Partition, "whole")
	unnamed, err := b.dir.Take(ctx, schema.Unready{Database: rec.Partition, Index: "unnamed"})
	b.must(err)
	b.index(rec.Partition, "made again")
	before, err := b.dir.Take(ctx, schema.Unready{Database: rec.Partition, Index: "made again"})
	b.must(err)
	b.must(b.dir.Mark(ctx, rec.Partition, schema.Unready{}))
	left := b.unready()
	if !slices.Contains(left.Whole, whole) || len(left.Whole) != 2 {
		t.Errorf("whole: %v", left.Whole)
	}
	if !slices.Equal(left.Owned, []kv.Partition{unnamed, before}) || !slices.Equal(left.Databases, []kv.Partition{rec.Partition}) {
		t.Errorf("owned: %v, databases: %v", left.Owned, left.Databases)
	}
	b.must(b.dir.SetReady(ctx, append(left.Whole, left.Databases...)...))
	for _, p := range left.Owned {
		b.must(b.dir.DropOwned(ctx, p))
	}
	b.wantUnready(directory.Left{})
	found := map[string]bool{}
	for _, name := range []string{"whole", "unnamed"} {
		b.must(b.kv.View(ctx, rec.Partition, func(r kv.Reader) (err error) {
			_, found[name], err = directory.Index(ctx, r, name)
			return err
		}))
	}
	if diff := cmp.Diff(map[string]bool{"whole": true, "unnamed": false}, found); diff != "" {
		t.Errorf("indexes (-want +got):\n%s", diff)
	}
}

func TestDamagedRows(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	rec := b.create("db")
	damage := func(p kv.Partition, key []byte) {
		b.must(b.kv.Update(ctx, p, func(tx kv.Tx) error { tx.Set(key, []byte("no row of any kind")); return nil }))
	}
	damage(schema.DirectoryPartition, schema.NameKey("db"))
	damage(schema.DirectoryPartition, schema.UnreadyKey(rec.Partition))
	damage(schema.DirectoryPartition, schema.CounterKey())
	damage(rec.Partition, schema.IndexKey("x"))
	for name, do := range map[string]func() error{
		"Lookup":      func() error { _, err := b.dir.Lookup(ctx, "db"); return err },
		"Create":      func() error { _, err := b.dir.Create(ctx, "db", &schema.DBRecord{}); return err },
		"Drop":        func() error { _, err := b.dir.Drop(ctx, "db"); return err },
		"FindUnready": func() error { _, err := b.dir.FindUnready(ctx); return err },
		"Take":        func() error { _, err := b.dir.Take(ctx, schema.Unready{}); return err },
		"Erase":       func() error { return b.dir.Erase(ctx, rec.Partition) },
		"Index": func() error {
			return b.kv.View(ctx, rec.Partition, func(r kv.Reader) error { _, _, err := directory.Index(ctx, r, "x"); return err })
		},
	} {
		if err := do(); !errors.Is(err, couch.ErrCorrupt) {
			t.Errorf("%s: %v, want an error of corruption", name, err)
		}
	}
}
