package kv_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
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

// TestCloseFlushes: a clean stop leaves nothing that only a log holds.
func TestCloseFlushes(t *testing.T) {
	fs, p := vfs.NewMem(), kv.Partition{1}
	o := kv.PebbleOptions{FS: fs, Dir: "data"}
	s := open(t, o)
	set := func(key string, opts ...kv.UpdateOption) {
		t.Helper()
		if err := s.Update(t.Context(), p, func(tx kv.Tx) error {
			tx.Set([]byte(key), []byte("value"))
			return nil
		}, opts...); err != nil {
			t.Fatal(err)
		}
	}
	set("durable")
	set("lazy", kv.Lazy)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	names, err := fs.List("data")
	if err != nil {
		t.Fatal(err)
	}
	logs := 0
	for _, name := range names {
		if strings.HasSuffix(name, ".log") {
			logs++
			if err := fs.Remove("data/" + name); err != nil {
				t.Fatal(err)
			}
		}
	}
	if logs == 0 {
		t.Error("there was no log")
	}
	s = open(t, o)
	err = s.View(t.Context(), p, func(r kv.Reader) error {
		values, err := r.GetMulti(t.Context(), []byte("durable"), []byte("lazy"))
		if err == nil && (values[0] == nil || values[1] == nil) {
			t.Errorf("without the logs there is %q", values)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
