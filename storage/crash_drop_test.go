package storage_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"settle/storage/couch"
	"settle/storage/kv"
	"settle/storage/schema"
)

// dropped is a store with a database to be dropped, and one to be kept.
type dropped struct {
	*bench
	mem  *vfs.MemFS
	keys [][]byte // the wrapped keys: of the one that is kept, of the other
}

func newDropped(t *testing.T) *dropped {
	mem := vfs.NewCrashableMem()
	d := &dropped{bench: newBenchOn(t, mem), mem: mem}
	for _, name := range []string{"kept", "dropped"} {
		db := d.create(name)
		mustPut(t, db, "d", "", `{}`, blob(t, db, "large", "text/plain", strings.Repeat("large ", 50_000)))
		plantArrivals(t, db)
	}
	for row, err := range d.rows(schema.KeysPartition) {
		if err != nil {
			t.Fatal(err)
		}
		d.keys = append(d.keys, bytes.Clone(row.Value))
	}
	if len(d.keys) != 2 {
		t.Fatalf("%d wrapped keys, want 2", len(d.keys))
	}
	return d
}

func (d *dropped) rows(p kv.Partition) func(yield func(kv.KV, error) bool) {
	return func(yield func(kv.KV, error) bool) {
		ctx := context.Background()
		err := d.kv.View(ctx, p, func(r kv.Reader) error {
			for row, err := range r.Scan(ctx, kv.Range{}) {
				if !yield(row, err) {
					return nil
				}
			}
			return nil
		})
		if err != nil {
			yield(kv.KV{}, err)
		}
	}
}

// recover starts on what a crash has left and says where the drop had come to.
// A database that is still named is whole; of one that is not, nothing is left
// once the background work is done.
func (d *dropped) recover(t *testing.T, disk *vfs.MemFS) (where string) {
	t.Helper()
	b := &bench{t: t, fs: disk, dir: d.dir, keyring: d.keyring}
	keyWasThere := inSomeFile(t, b, d.keys[1])
	b.open()
	defer b.close()
	b.store.WaitForBackground()
	b.check()
	for _, name := range []string{"kept", "dropped"} {
		db, err := b.store.Database(context.Background(), name)
		if name == "dropped" && errors.Is(err, couch.ErrDatabaseMissing) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if got := content(t, db, "d", mustWinner(t, db, "d"), "large"); len(got) != 300_000 {
			t.Errorf("the attachment in %s has %d bytes", name, len(got))
		}
		var arrived strings.Builder
		if err := readArrivals(b, db, &arrived); err != nil || strings.Count(arrived.String(), plantedUpload) != 2 {
			t.Errorf("the uploads in %s: %d bytes, %v", name, arrived.Len(), err)
		}
		if name == "dropped" {
			return "before"
		}
	}
	if inSomeFile(t, b, d.keys[1]) {
		t.Error("the dropped database's wrapped key is still in a live file")
	}
	if !inSomeFile(t, b, d.keys[0]) {
		t.Error("the kept database's wrapped key is in no file")
	}
	if n := len(blobFiles(t, disk, "data/blobs")); n != 3 {
		t.Errorf("%d files are left, want the kept database's blob and its two uploads", n)
	}
	if keyWasThere {
		return "between"
	}
	return "behind"
}

// TestDroppedIsGoneAfterACrash cuts the power once a drop has been answered and
// before the removal has come to its end, which a reader holds up.
func TestDroppedIsGoneAfterACrash(t *testing.T) {
	d := newDropped(t)
	d.reopen() // the keys are in tables, no longer in memory and in a log
	ctx := context.Background()
	reading, read, done := make(chan struct{}), make(chan struct{}), make(chan error)
	go func() { // pins the tables that hold the key
		done <- d.kv.View(ctx, schema.KeysPartition, func(r kv.Reader) error {
			if _, err := r.GetMulti(ctx, []byte("x")); err != nil {
				return err
			}
			close(reading)
			<-read
			return nil
		})
	}()
	<-reading
	if err := d.store.DropDatabase(ctx, "dropped"); err != nil {
		t.Fatal(err)
	}
	for percent := range 2 {
		disk := d.mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent * 100, RNG: rand.New(rand.NewPCG(1, 1))})
		if where := d.recover(t, disk); where != "between" {
			t.Errorf("the crash came %s the drop and the removal, want it between them", where)
		}
	}
	close(read)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// TestCrashesWhileDropping cuts the power again and again while a database is
// dropped and removed.
func TestCrashesWhileDropping(t *testing.T) {
	var places []string
	for seed := range uint64(4) {
		rng := rand.New(rand.NewPCG(seed, 5))
		d := newDropped(t)
		removed := make(chan error)
		go func() {
			err := d.store.DropDatabase(context.Background(), "dropped")
			d.store.WaitForBackground()
			removed <- err
		}()
		var disks []*vfs.MemFS
		for running := true; running || len(disks) == 0; {
			disks = append(disks, d.mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: rng.IntN(101), RNG: rng}))
			select {
			case err := <-removed:
				if err != nil {
					t.Fatal(err)
				}
				running = false
			default:
			}
		}
		for range min(8, len(disks)) {
			at := rng.IntN(len(disks))
			places = append(places, d.recover(t, disks[at]))
			disks = slices.Delete(disks, at, at+1)
		}
	}
	t.Log(fmt.Sprint(len(places), " crashes: "), places)
}
