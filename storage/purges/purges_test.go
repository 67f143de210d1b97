package purges_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"

	"settle/storage/couch"
	"settle/storage/kv"
	"settle/storage/purges"
	"settle/storage/schema"
)

var partition = schema.Partition(16)

func newStore(t *testing.T) *kv.Pebble {
	t.Helper()
	store, err := kv.OpenPebble(kv.PebbleOptions{FS: vfs.NewMem(), Dir: "data", ReserveBytes: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}

func view(store kv.Store) func(context.Context, func(kv.Reader) error) error {
	return func(ctx context.Context, fn func(kv.Reader) error) error { return store.View(ctx, partition, fn) }
}

// The newest purges are remembered, as many as the limit says, whether they come one
// by one or together.
func TestNote(t *testing.T) {
	for _, at := range []int{1, 2, 3, 7, 30} {
		for _, limit := range []uint64{1, 4, 1000, 1 << 63} {
			store := newStore(t)
			m := schema.Meta{PurgeLimit: limit}
			var want []couch.Purged
			for n := 0; n < 30; n += at {
				var asks []couch.RevsAsk
				for i := range at {
					ask := couch.RevsAsk{ID: couch.DocID(fmt.Sprint("doc", (n+i)*7%30)), Revs: []couch.RevID{{Gen: 2, Hash: "b"}, {Gen: 1, Hash: "a"}}}
					asks = append(asks, ask)
					want = append(want, couch.Purged{ID: ask.ID, Revs: []couch.RevID{ask.Revs[1], ask.Revs[0]}, Number: uint64(n + i + 1)})
				}
				err := store.Update(context.Background(), partition, func(tx kv.Tx) error {
					return purges.Note(context.Background(), tx, &m, asks)
				})
				if err != nil {
					t.Fatal(err)
				}
			}
			if m.PurgeSeq != uint64(len(want)) {
				t.Errorf("%d at once: counted %d", at, m.PurgeSeq)
			}
			if limit < uint64(len(want)) {
				want = want[len(want)-int(limit):]
			}
			slices.SortStableFunc(want, func(a, b couch.Purged) int { return strings.Compare(string(a.ID), string(b.ID)) })
			var got []couch.Purged
			for p, err := range purges.All(context.Background(), view(store)) {
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, p)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%d at once, limit %d (-want +got):\n%s", at, limit, diff)
			}
		}
	}
}

// A row that cannot be read is corrupt, and ends the list.
func TestDamage(t *testing.T) {
	store := newStore(t)
	err := store.Update(context.Background(), partition, func(tx kv.Tx) error {
		tx.Set([]byte{schema.KindPurged, 'x'}, nil)
		tx.Set(schema.PurgeKey(1), []byte{9})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range purges.All(context.Background(), view(store)) {
		if !errors.Is(err, couch.ErrCorrupt) {
			t.Errorf("list: %v", err)
		}
	}
	err = store.Update(context.Background(), partition, func(tx kv.Tx) error {
		m := schema.Meta{PurgeSeq: 10, PurgeLimit: 1}
		return purges.Note(context.Background(), tx, &m, []couch.RevsAsk{{ID: "a"}})
	})
	if !errors.Is(err, couch.ErrCorrupt) {
		t.Errorf("note: %v", err)
	}
}
