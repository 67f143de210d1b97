package storage_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// An engine that fails tells of it itself, once: what the background could not do
// because of that is not logged. What it could not do for another reason is.
func TestBackgroundIsSilentOnceTheEngineHasFailed(t *testing.T) {
	for what, want := range map[string]bool{".log": false, "blobs": true} {
		t.Run(what, func(t *testing.T) {
			var dropping, failing atomic.Bool
			var log bytes.Buffer
			b := newBenchOn(t, errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
				if dropping.Load() && (op.Kind == errorfs.OpRemove || op.Kind == errorfs.OpRemoveAll) && strings.Contains(op.Path, "blobs") {
					failing.Store(true) // the database is gone, its key and rows are not
				}
				if failing.Load() && strings.Contains(op.Path, what) && op.Kind.ReadOrWrite() == errorfs.OpIsWrite {
					return errors.New("broken")
				}
				return nil
			})))
			b.close()
			b.logger = slog.New(slog.NewTextHandler(&log, nil))
			b.open()
			db := b.create("db")
			mustPut(t, db, "d", "", `{}`, blob(t, db, "large", "text/plain", strings.Repeat("large ", 50_000)))
			b.store.WaitForBackground()
			dropping.Store(true)
			if err := b.store.DropDatabase(context.Background(), "db"); err != nil {
				t.Fatal(err)
			}
			b.store.WaitForBackground()
			if !failing.Load() {
				t.Error("nothing failed")
			}
			b.store.Close()
			b.kv.Close()
			b.store = nil
			if got := log.Len() > 0; got != want {
				t.Errorf("logged: %s", &log)
			}
		})
	}
}
