package tagkeys_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"settle/storage/crypt"
	"settle/storage/kv"
	"settle/storage/schema"
	"settle/storage/tagkeys"
)

var errCut = errors.New("cut short")

// engine is one whose compactions a test sees, and may let fail.
type engine struct {
	*kv.Pebble
	compact func() error // before each; nil: nothing
	done    int          // compactions
}

func (e *engine) Compact(ctx context.Context, p kv.Partition) error {
	if fn := e.compact; fn != nil {
		e.compact = nil
		if err := fn(); err != nil {
			return err
		}
	}
	e.done++
	return e.Pebble.Compact(ctx, p)
}

// bench is a store with the key of one day.
type bench struct {
	t    *testing.T
	kv   *engine
	keys tagkeys.Keys
	of   tagkeys.Owner
	now  time.Time
}

func newBench(t *testing.T) *bench {
	t.Helper()
	pebble, err := kv.OpenPebble(kv.PebbleOptions{FS: vfs.NewMem(), Dir: "data", ReserveBytes: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pebble.Close() })
	keyring, err := crypt.NewKeyring()
	if err != nil {
		t.Fatal(err)
	}
	of := tagkeys.Owner{Partition: schema.Partition(16)}
	if of.Key, _, err = keyring.NewDatabaseKey(crypt.DatabaseID(of.Partition)); err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, kv: &engine{Pebble: pebble}, of: of, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	b.keys = tagkeys.Keys{KV: b.kv, Now: func() time.Time { return b.now }}
	b.make()
	return b
}

// make makes the key of today.
func (b *bench) make() {
	b.t.Helper()
	if _, err := b.keys.Make(b.t.Context(), b.of, b.keys.Today()); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) pass(days int) { b.now = b.now.AddDate(0, 0, days) }

func (b *bench) expire(want error) {
	b.t.Helper()
	if err := b.keys.Expire(b.t.Context()); !errors.Is(err, want) {
		b.t.Fatalf("%v, want %v", err, want)
	}
}

// has checks how many rows there are, and how often their files were rewritten.
func (b *bench) has(rows, compactions int) {
	b.t.Helper()
	n := 0
	err := b.kv.View(b.t.Context(), schema.TagKeysPartition, func(r kv.Reader) error {
		for _, err := range r.Scan(b.t.Context(), kv.Range{}) {
			if err != nil {
				return err
			}
			n++
		}
		return nil
	})
	if err != nil || n != rows || b.kv.done != compactions {
		b.t.Errorf("%d rows after %d compactions, want %d after %d, %v", n, b.kv.done, rows, compactions, err)
	}
}

func TestExpire(t *testing.T) {
	b := newBench(t)
	b.pass(tagkeys.Days)
	b.make()
	b.expire(nil)
	b.has(2, 0) // the last day of the first
	b.pass(1)
	for range 2 { // the second time there is nothing to do
		b.expire(nil)
		b.has(1, 1)
	}
}

// Keys that were deleted and not erased are erased the next time.
func TestExpireCutShort(t *testing.T) {
	b := newBench(t)
	b.pass(tagkeys.Days + 1)
	for range 2 {
		b.kv.compact = func() error { return errCut }
		b.expire(errCut)
		b.has(1, 0) // the mark
	}
	b.make() // which is no reason to forget it
	b.expire(nil)
	b.has(1, 1)
}

// Who has erased some keys does not forget others that were deleted meanwhile.
func TestExpireMeanwhile(t *testing.T) {
	b := newBench(t)
	b.pass(1)
	b.make()
	b.pass(tagkeys.Days)
	b.kv.compact = func() error {
		b.pass(1)
		b.kv.compact = func() error { return errCut }
		b.expire(errCut)
		return nil
	}
	b.expire(nil)
	b.has(1, 1) // the mark
	b.expire(nil)
	b.has(0, 2)
}
