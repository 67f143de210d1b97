package kv_test

import (
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"settle/storage/kv"
)

// usageFS has the free space that a test says, or fails to tell it.
type usageFS struct {
	vfs.FS
	mu    sync.Mutex
	free  uint64
	err   error
	asked int
}

func (f *usageFS) set(free uint64, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.free, f.err = free, err
}

func (f *usageFS) times() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked
}

func (f *usageFS) GetDiskUsage(string) (vfs.DiskUsage, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked++
	return vfs.DiskUsage{AvailBytes: f.free, TotalBytes: 1 << 40}, f.err
}

const plenty = 1 << 39

// setOne commits a small row.
func setOne(t *testing.T, s *kv.Pebble) error {
	t.Helper()
	return s.Update(t.Context(), kv.Partition{1}, func(tx kv.Tx) error { tx.Set([]byte("k"), []byte("v")); return nil })
}

// awaitResult commits rows until the outcome is the one that is wanted.
func awaitResult(t *testing.T, s *kv.Pebble, want error) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		err := setOne(t, s)
		if errors.Is(err, want) {
			return
		}
		if err != nil && !errors.Is(err, kv.ErrNoSpace) || time.Now().After(deadline) {
			t.Fatalf("Update: %v, want %v", err, want)
		}
	}
}

// Where the free space cannot be read it is as it was, and it is asked for again.
func TestFreeSpaceCannotBeRead(t *testing.T) {
	for _, tt := range []struct {
		name    string
		free    uint64 // before
		openErr error  // of the first reads
		want    error  // of a commit while reading fails
	}{
		{"a full disk stays full", 0, nil, kv.ErrNoSpace},
		{"an empty disk stays empty", plenty, nil, nil},
		{"nothing is known", 0, errInjected, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			fs := &usageFS{FS: vfs.NewMem(), free: tt.free, err: tt.openErr}
			var log strings.Builder
			s := open(t, kv.PebbleOptions{FS: fs, Dir: "data", Logger: slog.New(slog.NewTextHandler(&log, nil))})
			if tt.openErr == nil {
				awaitResult(t, s, tt.want)
			}
			fs.set(0, errInjected)
			deadline := time.Now().Add(time.Minute)
			for before := fs.times(); fs.times() < before+3; time.Sleep(time.Millisecond) {
				if err := setOne(t, s); !errors.Is(err, tt.want) {
					t.Fatalf("Update: %v, want %v", err, tt.want)
				}
				if time.Now().After(deadline) {
					t.Fatal("nobody asks for the free space any more")
				}
			}
			fs.set(0, nil)
			awaitResult(t, s, kv.ErrNoSpace)
			fs.set(plenty, nil)
			awaitResult(t, s, nil)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(log.String(), "cannot be read"); n != 1 {
				t.Errorf("the log tells %d times that the free space cannot be read:\n%s", n, &log)
			}
		})
	}
}
