package kv_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"settle/storage/crypt"
	"settle/storage/kv"
)

// faults fails writing operations on some files once it is switched on.
type faults struct {
	on    atomic.Bool
	kinds []errorfs.OpKind
	file  string // part of the path
}

func (f *faults) String() string { return "faults" }

func (f *faults) MaybeError(op errorfs.Op) error {
	if !f.on.Load() || !strings.Contains(op.Path, f.file) {
		return nil
	}
	for _, kind := range f.kinds {
		if op.Kind == kind {
			return errInjected
		}
	}
	return nil
}

var errInjected = errors.New("injected fault")

// TestFatalFaults breaks the files that the engine cannot go on without. The
// calls under way end, later ones fail, and Fatal hears of it once.
func TestFatalFaults(t *testing.T) {
	write := []errorfs.OpKind{errorfs.OpFileWrite, errorfs.OpFileWriteAt}
	sync := []errorfs.OpKind{errorfs.OpFileSync, errorfs.OpFileSyncData, errorfs.OpFileSyncTo}
	create := []errorfs.OpKind{errorfs.OpCreate, errorfs.OpReuseForWrite}
	for name, f := range map[string]*faults{
		"log write":      {kinds: write, file: ".log"},
		"log sync":       {kinds: sync, file: ".log"},
		"log creation":   {kinds: create, file: ".log"},
		"manifest write": {kinds: write, file: "MANIFEST"},
		"manifest sync":  {kinds: sync, file: "MANIFEST"},
		"directory sync": {kinds: sync, file: "data"},
		"everything":     {kinds: append(append(write, sync...), create...)},
	} {
		for _, sealed := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/sealed=%v", name, sealed), func(t *testing.T) { testFatalFault(t, f, sealed) })
		}
	}
}

func testFatalFault(t *testing.T, f *faults, sealed bool) {
	f.on.Store(false)
	mem := vfs.NewMem()
	var fs vfs.FS = errorfs.Wrap(mem, f)
	if sealed {
		fs = crypt.NewFS(fs, newKeyring(t))
	}
	fatal := make(chan error, 10)
	s := open(t, kv.PebbleOptions{
		FS: fs, Dir: "data", MemTableBytes: 64 << 10, Fatal: func(err error) { fatal <- err },
	})
	set := func(tx kv.Tx) error { tx.Set([]byte("k"), make([]byte, 4<<10)); return nil }
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := s.Update(ctx, kv.Partition{1}, set); err != nil {
		t.Fatal(err)
	}
	waiter := s.Wait(kv.Partition{2})
	f.on.Store(true)
	results := make(chan error, 8)
	for i := range cap(results) {
		go func() {
			for ctx.Err() == nil {
				if err := s.Update(ctx, kv.Partition{3, byte(i)}, set, []kv.UpdateOption{kv.Bulk}[:i%2]...); err != nil {
					results <- err
					return
				}
			}
			results <- ctx.Err()
		}()
	}
	for range cap(results) {
		if err := <-results; !errors.Is(err, kv.ErrClosed) {
			t.Errorf("Update during the fault: %v, want ErrClosed", err)
		}
	}
	select {
	case err := <-fatal:
		if !errors.Is(err, kv.ErrClosed) || !errors.Is(err, errInjected) {
			t.Errorf("Fatal got %v, want ErrClosed and the cause", err)
		}
		<-waiter
	case <-ctx.Done():
		t.Fatal("Fatal was not called")
	}
	f.on.Store(false)
	checkDead(t, s)
	select {
	case err := <-fatal:
		t.Errorf("Fatal was called again: %v", err)
	default:
	}
}

func checkDead(t *testing.T, s *kv.Pebble) {
	t.Helper()
	ctx := t.Context()
	_, errVersions := s.Versions(ctx, []kv.Partition{{1}})
	_, errPartitions := s.Partitions(ctx, kv.Partition{}, 1)
	for name, err := range map[string]error{
		"View":       s.View(ctx, kv.Partition{1}, func(kv.Reader) error { return nil }),
		"Update":     s.Update(ctx, kv.Partition{1}, func(kv.Tx) error { return nil }),
		"Drop":       s.Drop(ctx, kv.Partition{1}),
		"Compact":    s.Compact(ctx, kv.Partition{1}),
		"Versions":   errVersions,
		"Partitions": errPartitions,
		"Close":      s.Close(),
	} {
		if !errors.Is(err, kv.ErrClosed) || !errors.Is(err, errInjected) {
			t.Errorf("%s on a store that failed: %v, want ErrClosed and the cause", name, err)
		}
	}
}

// TestPassingFaults breaks what Pebble can do again: tables. Nothing is refused,
// nothing lost.
func TestPassingFaults(t *testing.T) {
	f := &faults{kinds: []errorfs.OpKind{errorfs.OpCreate, errorfs.OpFileWrite, errorfs.OpFileSync}, file: ".sst"}
	fs := errorfs.Wrap(vfs.NewMem(), f)
	s := open(t, kv.PebbleOptions{FS: fs, Dir: "data", MemTableBytes: 256 << 10})
	put := func(i int) {
		t.Helper()
		err := s.Update(t.Context(), kv.Partition{1}, func(tx kv.Tx) error {
			tx.Set(fmt.Appendf(nil, "%04d", i), make([]byte, 1<<10))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for i := range 500 {
		f.on.Store(i >= 200 && i < 400)
		put(i)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, kv.PebbleOptions{FS: fs, Dir: "data"})
	defer s.Close()
	if n := countRows(t, s, kv.Partition{1}); n != 500 {
		t.Errorf("%d rows, want 500", n)
	}
}

// TestCloseDuringFaults: a store whose memtables cannot be flushed closes all the
// same; the log has what they have.
func TestCloseDuringFaults(t *testing.T) {
	f := &faults{kinds: []errorfs.OpKind{errorfs.OpCreate}, file: ".sst"}
	fs := errorfs.Wrap(vfs.NewMem(), f)
	s := open(t, kv.PebbleOptions{FS: fs, Dir: "data"})
	err := s.Update(t.Context(), kv.Partition{1}, func(tx kv.Tx) error { tx.Set([]byte("a"), nil); return nil })
	if err != nil {
		t.Fatal(err)
	}
	f.on.Store(true)
	if err := s.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	f.on.Store(false)
	s = open(t, kv.PebbleOptions{FS: fs, Dir: "data"})
	defer s.Close()
	if n := countRows(t, s, kv.Partition{1}); n != 1 {
		t.Errorf("%d rows, want 1", n)
	}
}

func countRows(t *testing.T, s *kv.Pebble, p kv.Partition) (n int) {
	t.Helper()
	err := s.View(t.Context(), p, func(r kv.Reader) error {
		for _, err := range r.Scan(t.Context(), kv.Range{}) {
			if err != nil {
				return err
			}
			n++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}
