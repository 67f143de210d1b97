package query_test

import (
	"log/slog"
	"testing"
	"time"

	"settle/server/query"
	"settle/storage"
	"settle/storage/design"
	"settle/storage/storagetest"
	"settle/storage/view"
	"settle/storage/view/javascript"
)

func TestFollowBuildsIndexes(t *testing.T) {
	store := storagetest.Open(t)
	engine := design.New(design.Options{})
	defer engine.Close()
	indexes := view.New(view.Options{Functions: javascript.Functions(engine), Rest: time.Millisecond})
	defer indexes.Close()
	f := query.Follow(store, indexes, slog.New(slog.DiscardHandler))
	defer f.Close()

	db := storagetest.Database(t, store, "db", storage.CreateOptions{})
	storagetest.Write(t, db, views, `{"_id":"a","n":1}`, `{"_id":"_design/not","autoupdate":false,"views":{"v":{"map":"function(doc){ emit(2); }"}}}`)
	seq := func(id string) uint64 {
		for d, err := range view.Designs(t.Context(), db) {
			if err != nil {
				t.Fatal(err)
			}
			if string(d.ID) == id {
				index, err := indexes.Open(db, d.Definition, d.ID)
				if err != nil {
					t.Fatal(err)
				}
				info, err := index.Info(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				return uint64(info.UpdateSeq)
			}
		}
		return 0
	}
	for deadline := time.Now().Add(time.Minute); seq("_design/v") < 3; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the index is not built by itself")
		}
	}
	if n := seq("_design/not"); n != 0 {
		t.Errorf("an index that is not to follow is at %d", n)
	}
}
