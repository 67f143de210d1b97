package view_test

import (
	"context"
	"fmt"
	"iter"
	"testing"

	"settle/storage"
	"settle/storage/couch"
	"settle/storage/view"
)

// A lower limit is reached in steps: of many purges older ones are remembered while a
// newer one is forgotten already. The index starts over.
func TestGapInPurges(t *testing.T) {
	b := newBench(t, false)
	d := joinDefinition("n")
	if err := b.db.SetPurgedInfosLimit(ctx, 5000); err != nil {
		t.Fatal(err)
	}
	b.put([2]string{"a", `{"n":1}`}, [2]string{"b", `{"n":2}`}, [2]string{"c", `{"n":3}`})
	var asks []couch.RevsAsk
	for i := range 1500 {
		asks = append(asks, couch.RevsAsk{ID: couch.DocID(fmt.Sprint("none", i)), Revs: []couch.RevID{{Gen: 1, Hash: "a"}}})
	}
	if _, err := b.db.Purge(ctx, asks); err != nil {
		t.Fatal(err)
	}
	b.query(d, view.Ref{Reduce: -1}, all())
	if err := b.db.SetPurgedInfosLimit(ctx, 1); err != nil {
		t.Fatal(err)
	}
	b.purge("a", "b")
	remembered := make(map[uint64]bool)
	for p, err := range b.db.PurgedInfos(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		remembered[p.Number] = true
	}
	if len(remembered) < 3 || remembered[1501] || !remembered[1502] {
		t.Fatalf("%d purges are remembered without a gap", len(remembered))
	}
	if got := keysOf(b.query(d, view.Ref{Reduce: -1}, all()).rows); got != "3" {
		t.Errorf("rows %q", got)
	}
}

// interrupted is a database to which something happens before its purges are listed.
type interrupted struct {
	*storage.Database
	before func()
}

func (db *interrupted) PurgedInfos(ctx context.Context) iter.Seq2[couch.Purged, error] {
	if before := db.before; before != nil {
		db.before = nil
		before()
	}
	return db.Database.PurgedInfos(ctx)
}

// A purge that comes between an update's look at the database and at the list of purges
// may push those out that the update needs.
func TestPurgeDuringUpdate(t *testing.T) {
	for _, limit := range []int{1, 2} {
		b := newBench(t, false)
		if err := b.db.SetPurgedInfosLimit(ctx, limit); err != nil {
			t.Fatal(err)
		}
		b.put([2]string{"a", `{"n":1}`}, [2]string{"b", `{"n":2}`}, [2]string{"c", `{"n":3}`})
		db := &interrupted{Database: b.db}
		ix, err := b.indexes.Open(db, joinDefinition("n"), "_design/d")
		if err != nil {
			t.Fatal(err)
		}
		rows := func() string {
			q := all()
			result, err := ix.Query(ctx, view.Ref{Reduce: -1}, &q)
			if err != nil {
				t.Fatal(err)
			}
			var rows []view.Row
			for row, err := range result.Rows {
				if err != nil {
					t.Fatal(err)
				}
				rows = append(rows, row)
			}
			return keysOf(rows)
		}
		rows()
		b.purge("a")
		db.before = func() { b.purge("b") }
		rows() // may be as of before the second purge
		if got := rows(); db.before != nil || got != "3" {
			t.Errorf("limit %d: rows %q", limit, got)
		}
	}
}
