package kv_test

import (
	"context"
	"errors"
	"runtime"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"settle/storage/kv"
)

// TestCloseBehindCompact: work that Compact has begun and left, since its context
// ended, does not meet a closed store, which would count as a failure of it.
func TestCloseBehindCompact(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for range 300 {
		failed := make(chan error, 1)
		s := open(t, kv.PebbleOptions{FS: vfs.NewMem(), Dir: "data", Fatal: func(err error) { failed <- err }})
		ctx, cancel := context.WithCancel(t.Context())
		go cancel()
		if err := s.Compact(ctx, kv.Partition{1}); err != nil && !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		cancel()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		runtime.Gosched()
		select {
		case err := <-failed:
			t.Fatalf("a clean stop counts as a failure: %v", err)
		default:
		}
	}
}
