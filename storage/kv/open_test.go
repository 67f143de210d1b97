package kv_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/atomicfs"

	"settle/storage/crypt"
	"settle/storage/kv"
)

func TestLock(t *testing.T) {
	for _, place := range places {
		t.Run(place.name, func(t *testing.T) {
			fs, dir := place.make(t)
			if _, err := kv.LockDir(fs, dir+"/none"); err == nil || errors.Is(err, kv.ErrLocked) {
				t.Errorf("LockDir of a missing directory: %v", err)
			}
			if err := fs.MkdirAll(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			lock, err := kv.LockDir(fs, dir)
			if err != nil {
				t.Fatal(err)
			}
			if names, err := fs.List(dir); err != nil || fmt.Sprint(names) != "[LOCK]" {
				t.Errorf("LockDir left %v, %v", names, err)
			}
			wantLocked(t, fs, dir)
			s := open(t, kv.PebbleOptions{FS: fs, Dir: dir, Lock: lock})
			wantLocked(t, fs, dir)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			wantLocked(t, fs, dir) // the lock is the caller's
			if err := lock.Close(); err != nil {
				t.Fatal(err)
			}
			s = open(t, kv.PebbleOptions{FS: fs, Dir: dir})
			wantLocked(t, fs, dir)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func wantLocked(t *testing.T, fs vfs.FS, dir string) {
	t.Helper()
	if _, err := kv.LockDir(fs, dir); !errors.Is(err, kv.ErrLocked) {
		t.Errorf("LockDir of a locked directory: %v, want ErrLocked", err)
	}
	if _, err := kv.OpenPebble(kv.PebbleOptions{FS: fs, Dir: dir}); !errors.Is(err, kv.ErrLocked) {
		t.Errorf("OpenPebble of a locked directory: %v, want ErrLocked", err)
	}
}

func TestFormat(t *testing.T) {
	for value, want := range map[string]error{
		"1": kv.ErrOlderFormat, "3": kv.ErrNewerFormat, "17": kv.ErrNewerFormat, "0": kv.ErrCorrupt, "x": kv.ErrCorrupt, "2": nil,
	} {
		fs := vfs.NewMem()
		if err := open(t, kv.PebbleOptions{FS: fs, Dir: "data"}).Close(); err != nil {
			t.Fatal(err)
		}
		marker, was, err := atomicfs.LocateMarker(fs, "data", "settle-kv")
		if err != nil || was != "2" {
			t.Fatalf("format marker %q, %v", was, err)
		}
		if err := errors.Join(marker.Move(value), marker.Close()); err != nil {
			t.Fatal(err)
		}
		before := snapshot(t, fs)
		s, err := kv.OpenPebble(kv.PebbleOptions{FS: fs, Dir: "data"})
		if !errors.Is(err, want) {
			t.Errorf("format %q: %v, want %v", value, err, want)
		}
		if err == nil {
			_ = s.Close()
		} else if after := snapshot(t, fs); after != before {
			t.Errorf("format %q: refused, but the directory changed from %s to %s", value, before, after)
		}
	}
}

func TestStoreWithoutFormat(t *testing.T) {
	fs := vfs.NewMem()
	if err := open(t, kv.PebbleOptions{FS: fs, Dir: "data"}).Close(); err != nil {
		t.Fatal(err)
	}
	if err := fs.Remove("data/marker.settle-kv.000001.2"); err != nil {
		t.Fatal(err)
	}
	if _, err := kv.OpenPebble(kv.PebbleOptions{FS: fs, Dir: "data"}); !errors.Is(err, kv.ErrCorrupt) {
		t.Errorf("OpenPebble without a format marker: %v, want ErrCorrupt", err)
	}
}

// snapshot prints the names and contents of the data directory.
func snapshot(t *testing.T, fs vfs.FS) string {
	t.Helper()
	names, err := fs.List("data")
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	var b strings.Builder
	for _, name := range names {
		f, err := fs.Open("data/" + name)
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(f)
		if err := errors.Join(err, f.Close()); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%s:%x ", name, sha256.Sum256(content))
	}
	return b.String()
}

func TestReadOnly(t *testing.T) {
	mem := vfs.NewMem()
	fs := crypt.NewFS(mem, newKeyring(t))
	if _, err := kv.OpenPebble(kv.PebbleOptions{FS: fs, Dir: "data", ReadOnly: true}); err == nil {
		t.Error("OpenPebble made a store for reading")
	}
	s := open(t, kv.PebbleOptions{FS: fs, Dir: "data"})
	p := kv.Partition{1}
	update(t, s, p, func(tx kv.Tx) error { tx.Set([]byte("a"), []byte("1")); return nil })
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, kv.PebbleOptions{FS: fs, Dir: "data"})
	update(t, s, p, func(tx kv.Tx) error { tx.Set([]byte("b"), []byte("2")); return nil })
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	before := snapshot(t, mem)
	s = open(t, kv.PebbleOptions{FS: fs, Dir: "data", ReadOnly: true})
	if n := countRows(t, s, p); n != 2 {
		t.Errorf("%d rows, want 2", n)
	}
	if vs, err := s.Versions(t.Context(), []kv.Partition{p}); err != nil || vs[0] == 0 {
		t.Errorf("Versions = %v, %v", vs, err)
	}
	for name, err := range map[string]error{
		"Update":  s.Update(t.Context(), p, func(tx kv.Tx) error { tx.Set([]byte("c"), nil); return nil }),
		"Drop":    s.Drop(t.Context(), p),
		"Compact": s.Compact(t.Context(), p),
	} {
		if !errors.Is(err, kv.ErrReadOnly) {
			t.Errorf("%s: %v, want ErrReadOnly", name, err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if after := snapshot(t, mem); after != before {
		t.Errorf("the directory changed from %s to %s", before, after)
	}
}

// TestReadOnlyAfterCrash: what is in the log only is read from there.
func TestReadOnlyAfterCrash(t *testing.T) {
	mem := vfs.NewCrashableMem()
	s := open(t, kv.PebbleOptions{FS: mem, Dir: "data"})
	defer s.Close()
	update(t, s, kv.Partition{1}, func(tx kv.Tx) error { tx.Set([]byte("a"), []byte("1")); return nil })
	clone := mem.CrashClone(vfs.CrashCloneCfg{})
	before := snapshot(t, clone)
	r := open(t, kv.PebbleOptions{FS: clone, Dir: "data", ReadOnly: true})
	if n := countRows(t, r, kv.Partition{1}); n != 1 {
		t.Errorf("%d rows, want 1", n)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if after := snapshot(t, clone); after != before {
		t.Errorf("the directory changed from %s to %s", before, after)
	}
}

// TestDamage flips bits in tables, which has to give ErrCorrupt or the rows as
// they were.
func TestDamage(t *testing.T) {
	for _, sealed := range []bool{false, true} {
		t.Run(fmt.Sprintf("sealed=%v", sealed), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(1, 2))
			found := 0
			for range 40 {
				if damaged(t, sealed, rng) {
					found++
				}
			}
			if found == 0 {
				t.Error("no damage was found")
			}
		})
	}
}

func damaged(t *testing.T, sealed bool, rng *rand.Rand) bool {
	mem := vfs.NewMem()
	var fs vfs.FS = mem
	if sealed {
		fs = crypt.NewFS(mem, newKeyring(t))
	}
	s := open(t, kv.PebbleOptions{FS: fs, Dir: "data"})
	update(t, s, kv.Partition{1}, func(tx kv.Tx) error {
		for i := range 50 {
			tx.Set(fmt.Appendf(nil, "%03d", i), bytes.Repeat([]byte{byte(i)}, 200))
		}
		return nil
	})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	flipTable(t, mem, rng)
	s, err := kv.OpenPebble(kv.PebbleOptions{FS: fs, Dir: "data"})
	if err == nil {
		defer s.Close()
		err = s.View(t.Context(), kv.Partition{1}, func(r kv.Reader) error {
			n := 0
			for row, err := range r.Scan(t.Context(), kv.Range{}) {
				if err != nil {
					return err
				}
				want := bytes.Repeat([]byte{byte(n)}, 200)
				if string(row.Key) != fmt.Sprintf("%03d", n) || !bytes.Equal(row.Value, want) {
					t.Errorf("row %d is wrong", n)
				}
				n++
			}
			if n != 50 {
				t.Errorf("%d rows, want 50", n)
			}
			return nil
		})
	}
	if err != nil && !errors.Is(err, kv.ErrCorrupt) {
		t.Errorf("damage: %v, want ErrCorrupt", err)
	}
	return err != nil
}

// flipTable flips one bit of the largest table.
func flipTable(t *testing.T, mem *vfs.MemFS, rng *rand.Rand) {
	t.Helper()
	names, _ := mem.List("data")
	var table string
	var size int64
	for _, name := range names {
		info, err := mem.Stat("data/" + name)
		if err == nil && strings.HasSuffix(name, ".sst") && info.Size() > size {
			table, size = "data/"+name, info.Size()
		}
	}
	f, err := mem.OpenReadWrite(table, vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var b [1]byte
	at := rng.Int64N(size)
	if _, err := f.ReadAt(b[:], at); err != nil {
		t.Fatal(err)
	}
	b[0] ^= 1 << rng.IntN(8)
	if _, err := f.WriteAt(b[:], at); err != nil {
		t.Fatal(err)
	}
}

// TestLogKeepsSecrets: nothing of a key or value reaches the log, whatever happens.
func TestLogKeepsSecrets(t *testing.T) {
	var out lockedBuffer
	logger := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	fs := vfs.NewMem()
	s := open(t, kv.PebbleOptions{FS: fs, Dir: "data", Logger: logger, MemTableBytes: 64 << 10})
	for i := range 200 {
		update(t, s, kv.Partition{1}, func(tx kv.Tx) error {
			tx.Set(fmt.Appendf(nil, "confidential-key-%d", i), bytes.Repeat([]byte("confidential-value"), 100))
			return nil
		})
	}
	if err := s.Compact(t.Context(), kv.Partition{1}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	flipTable(t, fs, rand.New(rand.NewPCG(1, 1)))
	if s, err := kv.OpenPebble(kv.PebbleOptions{FS: fs, Dir: "data", Logger: logger}); err == nil {
		_ = s.View(t.Context(), kv.Partition{1}, func(r kv.Reader) error {
			for _, err := range r.Scan(t.Context(), kv.Range{}) {
				fmt.Fprint(&out, err)
			}
			return nil
		})
		_ = s.Close()
	}
	if strings.Contains(out.String(), "confidential") {
		t.Errorf("keys or values in the log:\n%s", out.String())
	}
	if out.String() == "" {
		t.Error("nothing was logged at all")
	}
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// TestIdlePartitionsCostNothing: memory is held for partitions in use only.
func TestIdlePartitionsCostNothing(t *testing.T) {
	s := open(t, kv.PebbleOptions{FS: vfs.NewMem(), Dir: "data"})
	defer s.Close()
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := range 500 {
				p := kv.Partition{byte(w), byte(i), byte(i >> 8)}
				var opts []kv.UpdateOption
				if i%5 == 0 {
					opts = append(opts, kv.Lazy)
				}
				_ = s.Update(t.Context(), p, func(tx kv.Tx) error { tx.Set(nil, nil); return nil }, opts...)
				_ = s.Update(t.Context(), p, func(tx kv.Tx) error { return errors.New("no") })
				_ = s.View(t.Context(), p, func(kv.Reader) error { return nil })
			}
		})
	}
	wg.Wait()
	update(t, s, kv.Partition{1}, func(tx kv.Tx) error { tx.Set(nil, nil); return nil })
	// A commit lets its partition go just after it has told who waits for it.
	for deadline := time.Now().Add(time.Minute); kv.PartitionsInUse(s) != 0 && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	if n, l := kv.PartitionsInUse(s), kv.LazyCommits(s); n != 0 || l != 0 {
		t.Errorf("%d partitions in use and %d lazy commits, want none", n, l)
	}
}

// TestLazyIsBounded: a lazy commit is synced by the next read or commit, and
// without any after a number of its kind.
func TestLazyIsBounded(t *testing.T) {
	s := open(t, kv.PebbleOptions{FS: vfs.NewMem(), Dir: "data"})
	defer s.Close()
	for i := range 5000 {
		err := s.Update(context.Background(), kv.Partition{byte(i), byte(i >> 8)}, func(tx kv.Tx) error {
			tx.Set(nil, nil)
			return nil
		}, kv.Lazy)
		if err != nil {
			t.Fatal(err)
		}
		if n := kv.LazyCommits(s); n > 300 {
			t.Fatalf("%d commits wait for a sync", n)
		}
	}
}
