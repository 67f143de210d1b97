package kv

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"syscall"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// space keeps the engine away from the end of the disk.
//
// While there is room, the reserve stands in the directory as a file of its
// size. When the free space falls below low, the reserve is given up for
// flushes and compactions, and growing commits are refused until there is room
// for the reserve again. Tables are refused below floor, and everything below
// half of it, so that the log and the manifest never find the disk full.
type space struct {
	fs      vfs.FS
	dir     string
	reserve ballast
	logger  *slog.Logger
	low     uint64 // growing commits need this much free
	floor   uint64 // tables need this much free

	mu      sync.Mutex
	free    uint64
	known   bool      // the file system tells its free space
	checked time.Time // when free was read
	spent   uint64    // bytes written since
	short   bool      // the reserve is given up
}

const (
	spaceCheckEvery = 100 * time.Millisecond
	// retryDelay slows down Pebble, which tries a refused flush again at once.
	retryDelay = 50 * time.Millisecond
)

// open reads the free space and makes the reserve, where there is room for it.
func (sp *space) open() {
	sp.mu.Lock()
	defer sp.mu.Unlock()
	_ = sp.reserve.remove()
	sp.readLocked()
	sp.short = true
	sp.updateLocked()
}

// admit refuses a commit of n bytes with ErrNoSpace. One that only deletes may
// use the reserve.
func (sp *space) admit(n int, grows bool) error {
	sp.mu.Lock()
	defer sp.mu.Unlock()
	sp.refreshLocked(uint64(n))
	if !sp.known {
		return nil
	}
	// A byte is written to the log and to a table, and rewritten with them.
	need := sp.floor/2 + 2*uint64(n)
	if grows {
		need = sp.low + 4*uint64(n)
	}
	if sp.free < need || (grows && sp.short) {
		return ErrNoSpace
	}
	return nil
}

// Room implements [SpaceGuard].
func (s *Pebble) Room(n int64) error { return s.space.room(n) }

// room refuses n bytes of files that the engine does not write itself.
func (sp *space) room(n int64) error {
	sp.mu.Lock()
	defer sp.mu.Unlock()
	sp.refreshLocked(uint64(n))
	if sp.known && (sp.short || sp.free < sp.low+uint64(n)) {
		return ErrNoSpace
	}
	return nil
}

// spend is called before n bytes go to a table.
func (sp *space) spend(n int) error {
	sp.mu.Lock()
	sp.refreshLocked(uint64(n))
	refused := sp.known && sp.free < sp.floor+uint64(n)
	sp.mu.Unlock()
	if !refused {
		return nil
	}
	time.Sleep(retryDelay)
	return fmt.Errorf("kv: table not written, the space is left to the log: %w", syscall.ENOSPC)
}

// refreshLocked reads the free space anew after some time or volume, and at
// every step where it is short.
func (sp *space) refreshLocked(n uint64) {
	sp.spent += n
	if !sp.known && !sp.checked.IsZero() {
		return
	}
	near := sp.free < sp.low+sp.low/2
	if !near && sp.spent < sp.low/8 && time.Since(sp.checked) < spaceCheckEvery {
		return
	}
	sp.readLocked()
	sp.updateLocked()
}

func (sp *space) readLocked() {
	usage, err := sp.fs.GetDiskUsage(sp.dir)
	sp.checked, sp.spent = time.Now(), 0
	if err != nil {
		if !errors.Is(err, vfs.ErrUnsupported) {
			sp.logger.Warn("free space of the data directory is unknown", "error", err)
		}
		sp.known = false
		return
	}
	sp.known, sp.free = true, usage.AvailBytes
}

// updateLocked gives the reserve up or makes it again.
func (sp *space) updateLocked() {
	switch {
	case !sp.known:
	case !sp.short && sp.free < sp.low:
		sp.short = true
		sp.logger.Error("disk is nearly full: only deletions are accepted", "free_bytes", sp.free)
		if err := sp.reserve.remove(); err != nil {
			sp.logger.Error("reserve not given up", "error", err)
		}
		sp.readLocked()
	case sp.short && sp.free >= sp.reserve.size+sp.low+sp.low/2:
		if err := sp.reserve.make(); err != nil {
			sp.logger.Warn("reserve not made", "error", err)
			_ = sp.reserve.remove()
		}
		sp.readLocked()
		sp.short = false
	}
}
