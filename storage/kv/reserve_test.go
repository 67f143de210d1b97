package kv_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"settle/storage/crypt"
	"settle/storage/kv"
)

// inTime fails the test when a call does not return.
func inTime(t *testing.T, what string, call func() error) {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- call() }()
	select {
	case err := <-done:
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	case <-time.After(20 * time.Second):
		t.Fatalf("%s does not return", what)
	}
}

// TestReserveLasts: commits that may use the reserve are refused while what is
// left of it still carries a flush and a Drop, whatever they store.
func TestReserveLasts(t *testing.T) {
	freeing := func(size int) func(kv.Tx, int) {
		return func(tx kv.Tx, i int) { tx.Set(fmt.Appendf(nil, "%06d", i), randomBytes(size)) }
	}
	for name, test := range map[string]struct {
		write func(tx kv.Tx, i int)
		opts  []kv.UpdateOption
	}{
		"values":      {freeing(100 << 10), []kv.UpdateOption{kv.Freeing}},
		"lazy values": {freeing(100 << 10), []kv.UpdateOption{kv.Freeing, kv.Lazy}},
		"deletions": {func(tx kv.Tx, i int) {
			for range 20 {
				tx.Delete(randomBytes(1 << 10))
			}
		}, nil},
	} {
		for _, sealed := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/sealed=%v", name, sealed), func(t *testing.T) {
				testReserve(t, sealed, func(s *kv.Pebble, i int) error {
					return s.Update(t.Context(), kv.Partition{5}, func(tx kv.Tx) error { test.write(tx, i); return nil }, test.opts...)
				})
			})
		}
	}
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	var seed [32]byte
	for i := range seed {
		seed[i] = byte(rand.Uint32())
	}
	_, _ = rand.NewChaCha8(seed).Read(b)
	return b
}

func testReserve(t *testing.T, sealed bool, commit func(s *kv.Pebble, i int) error) {
	mount := mountSmall(t, smallDisk)
	var fs vfs.FS = vfs.Default
	if sealed {
		fs = crypt.NewFS(fs, newKeyring(t))
	}
	o := kv.PebbleOptions{FS: fs, Dir: filepath.Join(mount, "data"), MemTableBytes: 1 << 20, ReserveBytes: smallReserve}
	s := open(t, o)
	fill(t, s, kv.Partition{1})
	inTime(t, "commits into the reserve", func() error {
		// A flush under way takes room that comes back: refusals may pass.
		for i, refused := 0, 0; refused < 20; i++ {
			switch err := commit(s, i); {
			case errors.Is(err, kv.ErrNoSpace):
				refused++
				time.Sleep(5 * time.Millisecond)
			case err != nil:
				return err
			case i > 3000: // compactions keep up with them
				return nil
			}
		}
		return nil
	})
	roomy := true
	for _, p := range []kv.Partition{{1}, {5}} {
		inTime(t, "Drop", func() error { return s.Drop(t.Context(), p) })
		inTime(t, "Compact", func() error {
			ctx, cancel := context.WithTimeout(t.Context(), 8*time.Second)
			defer cancel()
			err := s.Compact(ctx, p)
			// A merge may need more than is left, and Pebble may wait for it.
			if errors.Is(err, kv.ErrNoSpace) || errors.Is(err, context.DeadlineExceeded) {
				roomy, err = false, nil
			}
			return err
		})
	}
	if roomy {
		awaitSpace(t, s)
	}
	inTime(t, "Close", s.Close)
	s, err := kv.OpenPebble(o)
	if !roomy && errors.Is(err, kv.ErrLocked) {
		return // Close left it as it was: only the end of the process ends it
	}
	if err != nil {
		t.Fatal(err)
	}
	if n := countRows(t, s, kv.Partition{1}); n != 0 {
		t.Errorf("%d rows of a dropped partition", n)
	}
	inTime(t, "Close", s.Close)
}
