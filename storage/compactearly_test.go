package storage_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"settle/storage/couch"
	"settle/storage/kv"
)

// A compaction that ends early leaves no file of a content that it has removed.
func TestCompactionEndsEarly(t *testing.T) {
	for _, tt := range []struct {
		name string
		end  func(cancel func(), run func() error) error // of the step that ends it
		want error
	}{
		{"no space", func(func(), func() error) error { return kv.ErrNoSpace }, couch.ErrNoSpace},
		{"given up", func(cancel func(), run func() error) error { defer cancel(); return run() }, context.Canceled},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			b := newBench(t)
			var steps atomic.Int64 // to come before that
			b.update = func(opts []kv.UpdateOption, run func() error) error {
				if slices.Contains(opts, kv.Lazy) && steps.Add(-1) == 0 {
					return tt.end(cancel, run)
				}
				return run()
			}
			b.reopen()
			db := b.create("alpha")
			b.store.WaitForBackground() // a sweep would remove the files
			for i := range 10 {
				id := fmt.Sprint("doc", i)
				rev := mustPut(t, db, id, "", `{}`, blob(t, db, "a", "text/plain", strings.Repeat(id, 20_000)))
				mustPut(t, db, id, rev, `{}`)
			}
			steps.Store(6) // the beginning, and one for each document
			if err := db.Compact(ctx); !errors.Is(err, tt.want) {
				t.Errorf("%v, want %v", err, tt.want)
			}
			files, contents := len(blobFiles(t, b.fs, "data/blobs")), int(info(t, db).AttachmentsCount)
			if files != contents || contents == 0 || contents == 10 {
				t.Errorf("%d files of %d contents", files, contents)
			}
		})
	}
}
