package storage_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"settle/storage"
	"settle/storage/couch"
)

// purge purges revisions of documents, and returns what was removed. An ask is
// an id and its revisions.
func purge(t testing.TB, db *storage.Database, asks ...[]string) [][]string {
	t.Helper()
	var in []couch.RevsAsk
	for _, ask := range asks {
		in = append(in, revsAsk(t, ask))
	}
	purged, err := db.Purge(context.Background(), in)
	if err != nil {
		t.Fatal(err)
	}
	var out [][]string
	for _, p := range purged {
		out = append(out, purgedRow(p))
	}
	return out
}

func revsAsk(t testing.TB, ask []string) couch.RevsAsk {
	t.Helper()
	out := couch.RevsAsk{ID: couch.DocID(ask[0])}
	for _, rev := range ask[1:] {
		out.Revs = append(out.Revs, parseRev(t, rev))
	}
	return out
}

func purgedRow(p couch.Purged) []string {
	row := []string{string(p.ID)}
	for _, rev := range p.Revs {
		row = append(row, rev.String())
	}
	return row
}

func purgedInfos(t testing.TB, db *storage.Database) [][]string {
	t.Helper()
	var out [][]string
	for info, err := range db.PurgedInfos(context.Background()) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, purgedRow(info))
	}
	return out
}

// The recorded scenario bulk-purge: answers, sequences, and what is remembered.
func TestPurge(t *testing.T) {
	b := newBench(t)
	db := b.create("alpha")
	push(t, db, "a", false, 2, []string{"a2", "a1"}, `{"v":1}`)
	push(t, db, "b", false, 2, []string{"b2", "b1"}, `{}`)
	push(t, db, "b", false, 2, []string{"c2", "b1"}, `{}`)
	push(t, db, "d", true, 1, []string{"d"}, `{}`)
	push(t, db, "e", false, 1, []string{"e"}, `{}`)
	seq := updateSeq(t, db)
	for _, step := range []struct {
		asks, want [][]string
		seq        couch.Seq // how much the update sequence grows
		feed       []string
	}{
		{[][]string{{"a", "1-a1"}}, [][]string{{"a"}}, 1, []string{"1 a 2-a2", "3 b 2-c2 2-b2", "4 d 1-d deleted", "5 e 1-e"}},
		{[][]string{{"a", "2-a2"}}, [][]string{{"a", "2-a2"}}, 1, []string{"3 b 2-c2 2-b2", "4 d 1-d deleted", "5 e 1-e"}},
		{[][]string{{"b", "2-c2"}}, [][]string{{"b", "2-c2"}}, 1, []string{"4 d 1-d deleted", "5 e 1-e", "8 b 2-b2"}},
		{
			[][]string{{"b", "2-c2", "2-b2", "9-z"}, {"none", "1-x"}, {"d", "1-d"}},
			[][]string{{"b", "2-b2"}, {"none"}, {"d", "1-d"}}, 1, []string{"5 e 1-e"},
		},
		{[][]string{{"e"}}, [][]string{{"e"}}, 1, []string{"5 e 1-e"}},
	} {
		if diff := cmp.Diff(step.want, purge(t, db, step.asks...)); diff != "" {
			t.Errorf("purge of %v (-want +got):\n%s", step.asks, diff)
		}
		if seq += step.seq; updateSeq(t, db) != seq {
			t.Errorf("purge of %v: at %d, want %d", step.asks, updateSeq(t, db), seq)
		}
		if diff := cmp.Diff(step.feed, feed(t, db, couch.ChangesOptions{AllLeaves: true})); diff != "" {
			t.Errorf("purge of %v, feed (-want +got):\n%s", step.asks, diff)
		}
	}
	want := [][]string{{"a", "1-a1"}, {"a", "2-a2"}, {"b", "2-b2", "2-c2", "9-z"}, {"b", "2-c2"}, {"d", "1-d"}, {"e"}, {"none", "1-x"}}
	if diff := cmp.Diff(want, purgedInfos(t, db)); diff != "" {
		t.Errorf("remembered (-want +got):\n%s", diff)
	}
	info, err := db.Info(context.Background())
	if err != nil || info.PurgeSeq != 7 || info.DocCount != 1 || info.DeletedCount != 0 {
		t.Errorf("%+v, %v", info, err)
	}
	if rev := mustPut(t, db, "a", "", `{"v":"new"}`); rev != "1-c8e0129bd30d7d7ec9293e8e2441271c" {
		t.Errorf("a purged document is new again, at %s", rev)
	}
}

func updateSeq(t testing.TB, db *storage.Database) couch.Seq {
	t.Helper()
	seq, err := db.UpdateSeq(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return seq
}

// The recorded scenario bulk-purge-winner: every leaf that is left takes a
// sequence, and the winner changes.
func TestPurgeWinner(t *testing.T) {
	b := newBench(t)
	db := b.create("alpha")
	push(t, db, "a", false, 2, []string{"x", "r"}, `{"v":"x"}`)
	push(t, db, "a", false, 2, []string{"y", "r"}, `{"v":"y"}`)
	push(t, db, "a", true, 3, []string{"z", "q", "r"}, `{}`)
	for _, step := range []struct {
		rev  string
		seq  couch.Seq
		want string
	}{
		{"2-y", 5, `{"_id":"a","_rev":"2-x","v":"x"}`},
		{"2-x", 6, "deleted"},
		{"3-z", 7, "missing"},
		{"3-z", 8, "missing"},
	} {
		purge(t, db, []string{"a", step.rev})
		if got := get(t, db, "a", couch.GetOptions{}); got != step.want || updateSeq(t, db) != step.seq {
			t.Errorf("purged %s: %s at %d, want %s at %d", step.rev, got, updateSeq(t, db), step.want, step.seq)
		}
	}
	push(t, db, "a", false, 2, []string{"x", "r"}, `{"v":"x"}`)
	if got := get(t, db, "a", couch.GetOptions{}); got != `{"_id":"a","_rev":"2-x","v":"x"}` {
		t.Errorf("pushed again: %s", got)
	}
}

// What a purge removes is off the disk, and what others use is not. One request
// may name a document twice.
func TestPurgeAttachments(t *testing.T) {
	b := newBench(t)
	db := b.create("alpha")
	large := string(make([]byte, 100_000))
	rev := mustPut(t, db, "a", "", `{}`, blob(t, db, "large", "text/plain", large), blob(t, db, "small", "text/plain", "s"))
	mustPut(t, db, "a", rev, `{"v":2}`, couch.Attachment{Name: "large", Stub: true})
	push(t, db, "a", false, 2, []string{"z", rev[2:]}, `{}`)
	mustPut(t, db, "b", "", `{}`, blob(t, db, "large", "text/plain", "another"+large))
	doc, err := db.Get(context.Background(), "a", couch.GetOptions{Rev: parseRev(t, rev)})
	if err != nil {
		t.Fatal(err)
	}
	leaf := feed(t, db, couch.ChangesOptions{AllLeaves: true})
	got := purge(t, db, []string{"a", "2-z"}, []string{"a", rev})
	if diff := cmp.Diff([][]string{{"a", "2-z"}, {"a"}}, got); diff != "" {
		t.Errorf("(-want +got):\n%s in %v", diff, leaf)
	}
	readBlob(t, db, doc.Attachments[0]) // an ancestor of the leaf that is left
	winner, err := db.Get(context.Background(), "a", couch.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	purge(t, db, []string{"a", winner.Rev().String()})
	for _, a := range doc.Attachments {
		if _, err := db.OpenBlob(context.Background(), a); !errors.Is(err, couch.ErrNotFound) {
			t.Errorf("%s: %v", a.Name, err)
		}
	}
	if counts := b.check(); counts.Blobs != 1 || counts.Revisions != 1 {
		t.Errorf("%+v are left", counts)
	}
}

func TestPurgedInfosLimit(t *testing.T) {
	b := newBench(t)
	db := b.create("alpha")
	ctx := context.Background()
	if n, err := db.PurgedInfosLimit(ctx); n != 1000 || err != nil {
		t.Errorf("limit %d, %v", n, err)
	}
	if err := db.SetPurgedInfosLimit(ctx, 0); !errors.Is(err, &couch.Error{Kind: couch.BadRequest}) {
		t.Errorf("a limit of 0: %v", err)
	}
	for i := range 5 {
		purge(t, db, []string{fmt.Sprint("doc", i), "1-a"})
	}
	if err := db.SetPurgedInfosLimit(ctx, 3); err != nil {
		t.Fatal(err)
	}
	purge(t, db, []string{"x"})
	want := [][]string{{"doc3", "1-a"}, {"doc4", "1-a"}, {"x"}}
	if diff := cmp.Diff(want, purgedInfos(t, db)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	purge(t, db, []string{"q"}, []string{"r"}, []string{"s"}, []string{"t"})
	if diff := cmp.Diff([][]string{{"r"}, {"s"}, {"t"}}, purgedInfos(t, db)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Nothing is asked, nothing happens; a dropped database says so.
func TestPurgeNothing(t *testing.T) {
	b := newBench(t)
	db := b.create("alpha")
	if purged, err := db.Purge(context.Background(), nil); purged != nil || err != nil || updateSeq(t, db) != 0 {
		t.Errorf("%v, %v", purged, err)
	}
	if err := b.store.DropDatabase(context.Background(), "alpha"); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Purge(context.Background(), []couch.RevsAsk{{ID: "a"}}); !errors.Is(err, couch.ErrDatabaseMissing) {
		t.Errorf("%v", err)
	}
}
