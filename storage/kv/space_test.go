package kv_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"settle/storage/crypt"
	"settle/storage/kv"
)

// mountSmall mounts a file system of its own, of size bytes, in memory.
func mountSmall(t *testing.T, size int) string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can mount a small file system")
	}
	dir := t.TempDir()
	mount := exec.Command("mount", "-t", "tmpfs", "-o", fmt.Sprintf("size=%d", size), "tmpfs", dir)
	if out, err := mount.CombinedOutput(); err != nil {
		t.Skipf("no small file system: %v: %s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", dir).CombinedOutput(); err != nil {
			t.Errorf("umount: %v: %s", err, out)
		}
	})
	return dir
}

const (
	smallDisk    = 48 << 20
	smallReserve = 8 << 20
)

// TestFullDisk fills a disk with rows until the engine refuses them, gives the
// space back, and goes on, several times over.
func TestFullDisk(t *testing.T) {
	for _, sealed := range []bool{false, true} {
		t.Run(fmt.Sprintf("sealed=%v", sealed), func(t *testing.T) {
			mount := mountSmall(t, smallDisk)
			var fs vfs.FS = vfs.Default
			if sealed {
				fs = crypt.NewFS(fs, newKeyring(t))
			}
			o := kv.PebbleOptions{FS: fs, Dir: filepath.Join(mount, "data"), MemTableBytes: 1 << 20, ReserveBytes: smallReserve}
			s := open(t, o)
			for round := range 3 {
				n := fill(t, s, kv.Partition{1})
				if n < 5 {
					t.Fatalf("round %d: %d rows fit, want more", round, n)
				}
				if got := countRows(t, s, kv.Partition{1}); got != n {
					t.Fatalf("round %d: %d rows, %d were acknowledged", round, got, n)
				}
				checkDeletes(t, s)
				checkFreeing(t, s)
				if round == 1 { // a full disk outlives a restart
					if err := s.Close(); err != nil {
						t.Fatal(err)
					}
					s = open(t, o)
					if got := countRows(t, s, kv.Partition{1}); got != n {
						t.Fatalf("%d rows after a restart, want %d", got, n)
					}
				}
				makeRoom(t, s, round)
				awaitSpace(t, s)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// fill writes rows of random bytes until there is no space, and returns how many
// were taken.
func fill(t *testing.T, s *kv.Pebble, p kv.Partition) (n int) {
	t.Helper()
	rng := rand.NewChaCha8([32]byte{1})
	for {
		v := make([]byte, 200<<10)
		_, _ = rng.Read(v)
		err := s.Update(t.Context(), p, func(tx kv.Tx) error {
			tx.Set(fmt.Appendf(nil, "%06d", n), v)
			return nil
		}, []kv.UpdateOption{kv.Bulk}[:n%2]...)
		switch {
		case errors.Is(err, kv.ErrNoSpace):
			return n
		case err != nil:
			t.Fatalf("Update: %v", err)
		case n > 1000:
			t.Fatal("more was written than any of the disks holds")
		}
		n++
	}
}

// checkRefused: growing commits stay refused.
func checkRefused(t *testing.T, s *kv.Pebble) {
	t.Helper()
	grow := func(tx kv.Tx) error { tx.Set([]byte("small"), nil); tx.Delete([]byte("x")); return nil }
	for range 3 {
		if err := s.Update(t.Context(), kv.Partition{2}, grow); !errors.Is(err, kv.ErrNoSpace) {
			t.Errorf("Update on a full disk: %v, want ErrNoSpace", err)
		}
	}
	if n := countRows(t, s, kv.Partition{2}); n != 0 {
		t.Errorf("%d rows of refused commits", n)
	}
}

// checkDeletes: deletions go on.
func checkDeletes(t *testing.T, s *kv.Pebble) {
	t.Helper()
	update(t, s, kv.Partition{2}, func(tx kv.Tx) error {
		tx.Delete([]byte("x"))
		tx.DeleteRange([]byte("a"), []byte("b"))
		return nil
	})
}

// checkFreeing: what leads to space being freed goes on, and callers' files do not.
func checkFreeing(t *testing.T, s *kv.Pebble) {
	t.Helper()
	free := func(tx kv.Tx) error { tx.Set([]byte("note"), []byte("to be freed")); return nil }
	if err := s.Update(t.Context(), kv.Partition{4}, free, kv.Freeing); err != nil {
		t.Errorf("a freeing Update on a full disk: %v", err)
	}
	if _, err := s.Room(smallDisk / 2); !errors.Is(err, kv.ErrNoSpace) {
		t.Errorf("Room on a full disk: %v, want ErrNoSpace", err)
	}
}

func makeRoom(t *testing.T, s *kv.Pebble, round int) {
	t.Helper()
	var err error
	if round%2 == 0 {
		err = s.Drop(t.Context(), kv.Partition{1})
	} else {
		err = s.Update(t.Context(), kv.Partition{1}, func(tx kv.Tx) error { tx.DeleteRange(nil, nil); return nil })
	}
	if err != nil {
		t.Fatalf("making room: %v", err)
	}
	if err := s.Compact(t.Context(), kv.Partition{1}); err != nil {
		t.Fatalf("Compact on a full disk: %v", err)
	}
}

func awaitSpace(t *testing.T, s *kv.Pebble) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		err := s.Update(t.Context(), kv.Partition{3}, func(tx kv.Tx) error { tx.Set([]byte("a"), nil); return nil })
		if err == nil {
			release, err := s.Room(1 << 10)
			if err != nil {
				t.Errorf("Room after space was made: %v", err)
			} else {
				release()
			}
			return
		}
		if !errors.Is(err, kv.ErrNoSpace) || time.Now().After(deadline) {
			t.Fatalf("Update after space was made: %v", err)
		}
	}
}

// TestDiskFilledByOthers: when somebody else takes the space, the reserve is what
// deletions live on; it is there again when the space is.
func TestDiskFilledByOthers(t *testing.T) {
	mount := mountSmall(t, smallDisk)
	dir := filepath.Join(mount, "data")
	s := open(t, kv.PebbleOptions{Dir: dir, MemTableBytes: 1 << 20, ReserveBytes: smallReserve})
	defer s.Close()
	if free := freeSpace(t, dir); free > smallDisk-smallReserve {
		t.Errorf("%d bytes free: the reserve takes no space", free)
	}
	for i := range 20 {
		err := s.Update(t.Context(), kv.Partition{1}, func(tx kv.Tx) error {
			tx.Set([]byte{byte(i)}, make([]byte, 100<<10))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	// What the store removes in the background must not make room once the disk is full.
	if err := s.Compact(t.Context(), kv.Partition{1}); err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(mount, "other")
	takeAll(t, other)
	time.Sleep(150 * time.Millisecond) // the free space is known for 100 ms
	checkRefused(t, s)
	checkDeletes(t, s)
	makeRoom(t, s, 0)
	checkRefused(t, s)
	checkDeletes(t, s)
	if err := os.Remove(other); err != nil {
		t.Fatal(err)
	}
	time.Sleep(150 * time.Millisecond)
	awaitSpace(t, s)
	if free := freeSpace(t, dir); free > smallDisk-smallReserve {
		t.Errorf("%d bytes free: the reserve was not made again", free)
	}
}

// takeAll writes a file until the disk is full.
func takeAll(t *testing.T, name string) {
	t.Helper()
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for err == nil {
		_, err = f.Write(make([]byte, 4<<10))
	}
}

func freeSpace(t *testing.T, dir string) int {
	t.Helper()
	u, err := vfs.Default.GetDiskUsage(dir)
	if err != nil {
		t.Fatal(err)
	}
	return int(u.AvailBytes)
}

// TestRoomIsKept: room that was given and not used yet is not given twice.
func TestRoomIsKept(t *testing.T) {
	s := open(t, kv.PebbleOptions{Dir: filepath.Join(mountSmall(t, smallDisk), "data"), ReserveBytes: smallReserve})
	defer s.Close()
	var releases []func()
	for range smallDisk >> 20 {
		release, err := s.Room(1 << 20)
		if errors.Is(err, kv.ErrNoSpace) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		releases = append(releases, release)
	}
	if n := len(releases); n < 10 || n > (smallDisk-smallReserve)>>20 {
		t.Errorf("room for %d MiB was given", n)
	}
	for _, release := range releases {
		release()
		release()
	}
	if _, err := s.Room(10 << 20); err != nil {
		t.Errorf("Room that was given back: %v", err)
	}
}
