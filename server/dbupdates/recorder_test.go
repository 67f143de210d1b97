package dbupdates_test

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"settle/server/dbupdates"
	"settle/storage"
	"settle/storage/couch"
	"settle/storage/docjson"
	"settle/storage/storagetest"
)

// bench is a store in memory with a recorder.
type bench struct {
	t     *testing.T
	store *storage.Store
	rec   *dbupdates.Recorder
}

func newBench(t *testing.T) *bench {
	t.Helper()
	store := storagetest.Open(t)
	b := &bench{t: t, store: store}
	b.start()
	t.Cleanup(func() { b.rec.Close() })
	return b
}

func (b *bench) start() { b.rec = dbupdates.Start(b.store, slog.New(slog.DiscardHandler)) }

// restart closes the recorder, so that all events are written.
func (b *bench) restart() {
	b.rec.Close()
	b.start()
}

func (b *bench) create(name string) {
	b.t.Helper()
	if _, err := b.store.CreateDatabase(b.t.Context(), name, storage.CreateOptions{}); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) drop(name string) {
	b.t.Helper()
	if err := b.store.DropDatabase(b.t.Context(), name); err != nil {
		b.t.Fatal(err)
	}
}

// edit makes a document in a database.
func (b *bench) edit(name, id string) {
	b.t.Helper()
	db, err := b.store.Database(b.t.Context(), name)
	if err != nil {
		b.t.Fatal(err)
	}
	doc, err := docjson.NewReader(strings.NewReader(`{}`)).Document(docjson.Options{})
	if err != nil {
		b.t.Fatal(err)
	}
	results, err := db.BulkDocs(b.t.Context(), storage.Docs(&couch.Document{ID: couch.DocID(id), Body: doc.Body}))
	if err != nil || results[0].Err != nil {
		b.t.Fatal(err, results)
	}
}

// events lists what is written, in order, with the generation of each.
func (b *bench) events() []string {
	b.t.Helper()
	db, err := b.store.Database(b.t.Context(), dbupdates.DatabaseName)
	if err != nil {
		b.t.Fatal(err)
	}
	list := []string{}
	for c, err := range db.Changes(b.t.Context(), couch.ChangesOptions{}) {
		if err != nil {
			b.t.Fatal(err)
		}
		list = append(list, fmt.Sprintf("%s %d", c.ID, c.Revs[0].Gen))
	}
	return list
}

func (b *bench) want(want ...string) {
	b.t.Helper()
	b.restart()
	if got := b.events(); !slices.Equal(got, want) {
		b.t.Errorf("events are %q, want %q", got, want)
	}
}

func TestRecorder(t *testing.T) {
	b := newBench(t)
	b.create("early") // nobody wants to know
	b.restart()
	b.create(dbupdates.DatabaseName)
	b.want("updated:_dbs 1")
	b.create("alpha")
	b.want("created:alpha 1", "updated:_dbs 2")
	b.edit("alpha", "a")
	b.edit("alpha", "b")
	b.want("created:alpha 1", "updated:_dbs 2", "updated:alpha 1")
	b.edit("early", "a")
	b.edit("alpha", "c")
	b.want("created:alpha 1", "updated:_dbs 2", "updated:alpha 2", "updated:early 1")
	b.drop("alpha")
	b.want("created:alpha 1", "updated:alpha 2", "updated:early 1", "deleted:alpha 1", "updated:_dbs 3")
	b.create("alpha")
	b.want("updated:alpha 2", "updated:early 1", "deleted:alpha 1", "created:alpha 2", "updated:_dbs 4")
}

func TestOrderWithinAMoment(t *testing.T) {
	b := newBench(t)
	b.create(dbupdates.DatabaseName)
	b.restart()
	b.create("alpha")
	b.edit("alpha", "a")
	b.drop("alpha")
	b.want("created:alpha 1", "updated:alpha 1", "deleted:alpha 1", "updated:_dbs 3")
	b.drop(dbupdates.DatabaseName)
	b.create("beta")
	b.create(dbupdates.DatabaseName)
	b.create("alpha")
	b.drop("alpha")
	b.create("alpha")
	b.restart()
	got := b.events()
	made, dropped := slices.Index(got, "created:alpha 2"), slices.Index(got, "deleted:alpha 1")
	if made < 0 || dropped < 0 || made < dropped {
		t.Errorf("events are %q", got)
	}
}

// TestDeletedEvent deletes an event's document, which the next event makes again.
func TestDeletedEvent(t *testing.T) {
	b := newBench(t)
	b.create(dbupdates.DatabaseName)
	b.want("updated:_dbs 1")
	db, err := b.store.Database(t.Context(), dbupdates.DatabaseName)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := db.Get(t.Context(), "updated:_dbs", couch.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	doc.Deleted = true
	if _, err := db.BulkDocs(t.Context(), storage.Docs(doc)); err != nil {
		t.Fatal(err)
	}
	b.create("alpha")
	b.want("created:alpha 1", "updated:_dbs 3")
}

// TestNoEcho waits whether the writing of events makes events.
func TestNoEcho(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.create(dbupdates.DatabaseName)
		time.Sleep(time.Minute)
		if got := b.events(); !slices.Equal(got, []string{"updated:_dbs 1"}) {
			t.Errorf("events are %q", got)
		}
		b.rec.Close()
		b.store.Close()
	})
}
