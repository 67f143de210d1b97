package kv_test

import (
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
	case <-time.After(2 * time.Minute):
		t.Fatalf("%s does not return", what)
	}
}

// TestReserveLasts: commits that may use the reserve are refused while what is
// left of it still carries a flush and a compaction, whatever they store. A Drop
// then gives all the space back.
func TestReserveLasts(t *testing.T) {
	for name, writer := range reserveWriters {
		for _, sealed := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/sealed=%v", name, sealed), func(t *testing.T) {
				testReserve(t, smallDisk, sealed, kv.PebbleOptions{MemTableBytes: 1 << 20, ReserveBytes: smallReserve}, writer)
			})
		}
	}
}

// TestDefaultReserveLasts is the same with the reserve and the memtables that a
// server has, on a disk of 200 MB.
func TestDefaultReserveLasts(t *testing.T) {
	for _, name := range []string{"values", "deletions"} {
		writer := reserveWriters[name]
		t.Run(name, func(t *testing.T) { testReserve(t, 200<<20, true, kv.PebbleOptions{}, writer) })
	}
}

// reserveWriter is one kind of commit that may use the reserve.
type reserveWriter struct {
	write func(tx kv.Tx, i int)
	opts  []kv.UpdateOption
}

var reserveWriters = map[string]reserveWriter{
	"values":      {storeMuch, []kv.UpdateOption{kv.Freeing}},
	"lazy values": {storeMuch, []kv.UpdateOption{kv.Freeing, kv.Lazy}},
	"deletions":   {deleteMuch, nil},
}

func storeMuch(tx kv.Tx, i int) { tx.Set(fmt.Appendf(nil, "%06d", i), randomBytes(100<<10)) }

func deleteMuch(tx kv.Tx, _ int) {
	for range 10 {
		tx.Delete(randomBytes(10 << 10))
	}
}

func (w reserveWriter) commit(t *testing.T, s *kv.Pebble, i int) error {
	return s.Update(t.Context(), kv.Partition{5}, func(tx kv.Tx) error { w.write(tx, i); return nil }, w.opts...)
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

func testReserve(t *testing.T, disk int, sealed bool, o kv.PebbleOptions, w reserveWriter) {
	o.Dir, o.FS = filepath.Join(mountSmall(t, disk), "data"), vfs.Default
	if sealed {
		o.FS = crypt.NewFS(o.FS, newKeyring(t))
	}
	s := open(t, o)
	fill(t, s, kv.Partition{1})
	inTime(t, "commits into the reserve", func() error { return w.untilRefused(t, s) })
	for _, p := range []kv.Partition{{1}, {5}} {
		inTime(t, "Drop", func() error { return s.Drop(t.Context(), p) })
		inTime(t, "Compact", func() error { return s.Compact(t.Context(), p) })
	}
	awaitSpace(t, s)
	inTime(t, "Close", s.Close)
	s = open(t, o)
	for _, p := range []kv.Partition{{1}, {5}} {
		if n := countRows(t, s, p); n != 0 {
			t.Errorf("%d rows of a dropped partition", n)
		}
	}
	inTime(t, "Close", s.Close)
}

// untilRefused commits until that is refused for good, or for some seconds:
// compactions may keep up with it.
func (w reserveWriter) untilRefused(t *testing.T, s *kv.Pebble) error {
	// A flush under way takes room that comes back: refusals may pass.
	began := time.Now()
	for i, refused := 0, 0; refused < 20 && time.Since(began) < 3*time.Second; i++ {
		switch err := w.commit(t, s, i); {
		case errors.Is(err, kv.ErrNoSpace):
			refused++
			time.Sleep(5 * time.Millisecond)
		case err != nil:
			return err
		}
	}
	return nil
}

// TestCompactAmongLiveRows deletes a part of what fills the disk, row by row. A
// compaction, which has the others to rewrite, gives the space back.
func TestCompactAmongLiveRows(t *testing.T) {
	for name, o := range map[string]kv.PebbleOptions{
		"small":   {MemTableBytes: 1 << 20, ReserveBytes: smallReserve},
		"default": {},
	} {
		t.Run(name, func(t *testing.T) {
			disk := smallDisk
			if name == "default" {
				disk = 200 << 20
			}
			o.Dir = filepath.Join(mountSmall(t, disk), "data")
			s := open(t, o)
			p := kv.Partition{1}
			n := fill(t, s, p)
			for i := range n {
				if i%3 != 0 {
					update(t, s, p, func(tx kv.Tx) error { tx.Delete(fmt.Appendf(nil, "%06d", i)); return nil })
				}
			}
			inTime(t, "Compact", func() error { return s.Compact(t.Context(), p) })
			awaitSpace(t, s)
			if got, want := countRows(t, s, p), (n+2)/3; got != want {
				t.Errorf("%d rows, want %d", got, want)
			}
			if got := fill(t, s, kv.Partition{2}); got < n/4 {
				t.Errorf("%d rows fit where %d were deleted", got, n-(n+2)/3)
			}
			inTime(t, "Close", s.Close)
		})
	}
}
