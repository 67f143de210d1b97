package leafblobs_test

import (
	"context"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"settle/storage/couch"
	"settle/storage/kv"
	"settle/storage/leafblobs"
	"settle/storage/schema"
)

var partition = schema.Partition(16)

// edit says which blobs, by number, the leaves of a document had, and have.
type edit struct {
	id            couch.DocID
	before, after []byte
}

// weight is what a stored blob counts for; its length is twice that.
func weight(blob couch.BlobID) int64 { return 100 + int64(blob[0]) }

func blobs(numbers []byte) map[couch.BlobID]int64 {
	set := make(map[couch.BlobID]int64)
	for _, n := range numbers {
		set[couch.BlobID{n}] = 2 * weight(couch.BlobID{n})
	}
	return set
}

func newStore(t *testing.T) kv.Store {
	t.Helper()
	store, err := kv.OpenPebble(kv.PebbleOptions{FS: vfs.NewMem(), Dir: "data", ReserveBytes: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}

// unwritten is a transaction whose writes go nowhere.
type unwritten struct{ kv.Reader }

func (unwritten) Set(_, _ []byte)         {}
func (unwritten) Delete([]byte)           {}
func (unwritten) DeleteRange(_, _ []byte) {}

// apply notes edits and returns the growth.
func apply(t *testing.T, c *leafblobs.Changes, tx kv.Tx, edits []edit) (growth int64, err error) {
	for _, e := range edits {
		c.Replace(tx, e.id, blobs(e.before), blobs(e.after))
	}
	return c.Settle(t.Context(), tx, func(_ context.Context, blob couch.BlobID, length int64) (int64, error) {
		if length != 2*weight(blob) {
			t.Errorf("blob %d has %d bytes", blob[0], length)
		}
		return length / 2, nil
	})
}

type step struct {
	name  string
	isNew []byte
	edits []edit
	want  int64
}

var steps = []step{
	{"new blobs", []byte{1, 2}, []edit{{"x", nil, []byte{1, 2}}}, 101 + 102},
	{"one that is stored", nil, []edit{{"x", []byte{1, 2}, []byte{1, 2, 3}}}, 103},
	{"one of another document", nil, []edit{{"y", nil, []byte{1}}}, 0},
	{"one of two documents goes", nil, []edit{{"x", []byte{1, 2, 3}, []byte{2, 3}}}, 0},
	{"and comes back as the other goes", nil, []edit{{"x", []byte{2, 3}, []byte{1, 2, 3}}, {"y", []byte{1}, nil}}, 0},
	{"one that two bring", []byte{4}, []edit{{"y", nil, []byte{4}}, {"z", nil, []byte{4}}}, 104},
	{"all of two go", nil, []edit{{"y", []byte{4}, nil}, {"z", []byte{4}, nil}}, -104},
	{"one comes and goes", []byte{5}, []edit{{"y", nil, []byte{5}}, {"y", []byte{5}, nil}}, 0},
	{"a stored one comes and goes", nil, []edit{{"y", nil, []byte{2}}, {"y", []byte{2}, nil}}, 0},
	{"it goes where it is, too", nil, []edit{{"y", nil, []byte{2}}, {"x", []byte{1, 2, 3}, []byte{1, 3}}, {"y", []byte{2}, nil}}, -102},
	{"all go", nil, []edit{{"x", []byte{1, 3}, nil}}, -101 - 103},
}

func TestGrowth(t *testing.T) {
	store := newStore(t)
	for _, s := range steps {
		err := store.Update(t.Context(), partition, func(tx kv.Tx) error {
			var c leafblobs.Changes
			for _, n := range s.isNew {
				c.Bring(couch.BlobID{n}, weight(couch.BlobID{n}))
			}
			growth, err := apply(t, &c, tx, s.edits)
			if growth != s.want {
				t.Errorf("%s: grows by %d, want %d", s.name, growth, s.want)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	left, err := store.Partitions(t.Context(), kv.Partition{}, 10)
	if err != nil || len(left) != 0 {
		t.Errorf("%v are left, %v", left, err)
	}
}

// Of transactions that write nothing each goes on where the one before has ended.
func TestGrowthOfWhatIsNotWritten(t *testing.T) {
	store := newStore(t)
	var c leafblobs.Changes
	for _, s := range steps {
		err := store.View(t.Context(), partition, func(r kv.Reader) error {
			for _, n := range s.isNew {
				c.Bring(couch.BlobID{n}, weight(couch.BlobID{n}))
			}
			growth, err := apply(t, &c, unwritten{r}, s.edits)
			if growth != s.want {
				t.Errorf("%s: grows by %d, want %d", s.name, growth, s.want)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestHeld(t *testing.T) {
	store := newStore(t)
	is := func() (held bool) {
		t.Helper()
		err := store.View(t.Context(), partition, func(r kv.Reader) (err error) {
			held, err = leafblobs.Held(t.Context(), r, couch.BlobID{2})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return held
	}
	write := func(before, after []byte) {
		t.Helper()
		err := store.Update(t.Context(), partition, func(tx kv.Tx) error {
			new(leafblobs.Changes).Replace(tx, "x", blobs(before), blobs(after))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	write(nil, []byte{1, 3})
	if is() {
		t.Error("a blob is held that no document has")
	}
	write([]byte{1, 3}, []byte{2})
	if !is() {
		t.Error("a blob is not held that a document has")
	}
}
