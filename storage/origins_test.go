package storage_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"settle/storage/check"
	"settle/storage/couch"
	"settle/storage/kv"
	"settle/storage/schema"
)

// origins returns which origins the first database knows, by the first byte of each.
func (b *bench) origins() (known []byte) {
	b.t.Helper()
	err := b.kv.View(context.Background(), schema.Partition(schema.FirstDatabase), func(r kv.Reader) error {
		known = nil
		for row, err := range r.Scan(context.Background(), schema.All(schema.KindOrigin)) {
			if err != nil {
				return err
			}
			known = append(known, row.Key[1])
		}
		return nil
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return known
}

// How an origin is reached is forgotten when no content of it is left, and known again
// when there is one.
func TestOriginsGo(t *testing.T) {
	b := newBench(t)
	db := b.create("alpha")
	one, two, three := couch.OriginID{1}, couch.OriginID{2}, couch.OriginID{3}
	postpone(t, db, one, "a", pattern(1000))
	postpone(t, db, one, "b", pattern(1000))
	postpone(t, db, two, "c", pattern(1000))
	row, err := db.PutOrigin(t.Context(), three, []byte("nowhere")) // and no content of it came yet
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		purge couch.DocID
		want  []byte
	}{
		{"a", []byte{1, 2}},
		{"c", []byte{1}},
		{"b", nil},
	} {
		if _, err := db.Purge(t.Context(), []couch.RevsAsk{{ID: step.purge, Revs: []couch.RevID{{Gen: 1, Hash: "a"}}}}); err != nil {
			t.Fatal(err)
		}
		if err := db.Compact(t.Context()); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(step.want, b.origins()); diff != "" {
			t.Errorf("without %s: %s", step.purge, diff)
		}
		b.check()
	}
	putAway(t, db, three, row, "d", pattern(1000))
	if diff := cmp.Diff([]byte{3}, b.origins()); diff != "" {
		t.Error(diff)
	}
}

// A check tells of contents whose origin is not known.
func TestMissingOrigin(t *testing.T) {
	b := newBench(t)
	db := b.create("alpha")
	id := couch.OriginID{1}
	postpone(t, db, id, "a", pattern(1000))
	row, err := db.PutOrigin(t.Context(), id, []byte("over there"))
	if err != nil {
		t.Fatal(err)
	}
	update := func(fn func(kv.Tx)) {
		t.Helper()
		err := b.kv.Update(t.Context(), schema.Partition(schema.FirstDatabase), func(tx kv.Tx) error { fn(tx); return nil })
		if err != nil {
			t.Fatal(err)
		}
	}
	update(func(tx kv.Tx) { tx.Delete(schema.OriginKey(id)) })
	var found []string
	if _, err := check.Run(t.Context(), b.checked(), func(f check.Finding) { found = append(found, f.String()) }); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"alpha: there are contents of 1 origins that it does not know"}, found); diff != "" {
		t.Error(diff)
	}
	update(func(tx kv.Tx) { tx.Set(schema.OriginKey(id), row) })
}
