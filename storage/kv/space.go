package kv

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// space keeps the engine away from the end of the disk.
//
// While there is room, the reserve stands in the directory as a file of its
// size. When the free space falls below low, the reserve is given up, and growing
// commits are refused until there is room for the reserve again. Every commit but
// a Drop is refused where a flush of all that is in the log and the largest
// compaction that may follow no longer fit behind it: what has been deleted can
// be compacted away at any time. A Drop needs room for the flush alone, and
// compactions leave that much too. Tables are refused below floor, so that the log
// and the manifest never find the disk full.
type space struct {
	fs      vfs.FS
	dir     string
	reserve ballast
	logger  *slog.Logger
	low     uint64      // growing commits need this much free
	floor   uint64      // tables need this much free
	owed    func() debt // may take Pebble's lock

	refused atomic.Uint64 // how often a flush found no space
	flushed atomic.Uint64 // bytes that the flush under way has written
	merged  atomic.Uint64 // bytes that compactions have written since one ended

	compacting atomic.Int64  // calls of Compact
	crowded    atomic.Uint64 // how often a compaction found no space
	short      atomic.Bool   // the reserve is given up; changed under mu
	near       atomic.Bool   // the end of the disk is near; changed under mu

	mu       sync.Mutex
	free     uint64
	known    bool      // free was read, some time
	silent   bool      // the file system does not tell its free space
	failed   bool      // free could not be read the last time
	checked  time.Time // when free was to be read
	spent    uint64    // bytes written since
	granted  uint64    // room given to callers, and not given back
	admitted uint64    // bytes of commits that are on their way to the log
	told     time.Time // when the log was told that the disk is nearly full
}

// draw is what a commit may take of the reserve.
type draw int

const (
	drawNothing  draw = iota // it grows the store
	drawFreeing              // it stores something that leads to space being freed
	drawDeleting             // it only deletes
	drawDrop                 // it deletes a partition
)

// maxFreeing bounds, in bytes, a commit that stores something in the reserve.
const maxFreeing = 1 << 20

// Beside the bytes of commits, space goes to the sectors that each is padded to
// in the log, and with a flush to a new log and the manifest.
const (
	commitOverhead = 1 << 10
	flushOverhead  = 128 << 10
)

const (
	spaceCheckEvery = 100 * time.Millisecond
	// retryDelay slows down Pebble, which tries a refused flush again at once.
	retryDelay = 50 * time.Millisecond
	// tellEvery is how often the log hears of a disk that is full again and again.
	tellEvery = time.Minute
)

// open reads the free space and makes the reserve, where there is room for it.
func (sp *space) open() {
	sp.mu.Lock()
	defer sp.mu.Unlock()
	_ = sp.reserve.remove()
	sp.readLocked()
	sp.short.Store(true)
	sp.updateLocked()
}

// admit refuses a commit of n bytes with ErrNoSpace, or takes note of it until
// applied is called with the same n.
func (sp *space) admit(n int, d draw) error {
	if d == drawFreeing && n > maxFreeing {
		d = drawNothing
	}
	sp.mu.Lock()
	defer sp.mu.Unlock()
	sp.refreshLocked(uint64(n))
	if !sp.fitsLocked(uint64(n), d) {
		sp.readLocked() // something may have been given back
		sp.updateLocked()
		if !sp.fitsLocked(uint64(n), d) {
			return ErrNoSpace
		}
	}
	sp.admitted += uint64(n)
	return nil
}

// fitsLocked reports whether there is room for a commit of n bytes.
func (sp *space) fitsLocked(n uint64, d draw) bool {
	need := func() uint64 { return sp.needLocked(n, d) }
	if d == drawNothing {
		return !sp.known || !sp.short.Load() && sp.free >= need()
	}
	return sp.drawLocked(need)
}

// drawLocked reports whether the space that need returns is free, if need be
// without the reserve.
func (sp *space) drawLocked(need func() uint64) bool {
	if sp.known && !sp.short.Load() && sp.free < need() {
		sp.giveUpLocked()
	}
	return !sp.known || sp.free >= need()
}

// needLocked returns how much has to be free for a commit of n bytes.
func (sp *space) needLocked(n uint64, d draw) uint64 {
	// A byte is written to the log and to a table, and rewritten with them.
	bytes := 2 * (n + sp.admitted + commitOverhead)
	line := sp.lineLocked(d)
	if d != drawNothing {
		return line + bytes
	}
	line -= min(line, sp.reserve.size) // which is still there
	return max(sp.low, line) + 2*n + bytes + sp.granted
}

// lineLocked returns how much commits leave free. The further commits are from
// freeing space, the more they leave.
func (sp *space) lineLocked(d draw) uint64 {
	if sp.free > 16*sp.low { // far from the end
		return sp.floor
	}
	owed := sp.owed()
	line := sp.floor + sp.flushOf(owed)
	switch d {
	case drawDrop:
		return line
	case drawDeleting:
		line += sp.margin()
	case drawFreeing:
		line += 2 * sp.margin()
	case drawNothing:
		line += 4 * sp.margin()
	}
	// What is flushed first is merged too. The one under way has taken a part.
	merge := owed.merge + owed.unflushed
	merge += merge/16 + 2*sp.margin()
	return line + merge - min(merge, sp.merged.Load()+owed.obsolete)
}

// margin is the step between what commits of different kinds leave.
func (sp *space) margin() uint64 { return max(sp.floor/2, sp.reserve.size/16) }

// flushLocked returns how much a flush of everything would take at most.
func (sp *space) flushLocked() uint64 {
	if sp.free > 4*sp.low { // far from the end
		return 0
	}
	return sp.flushOf(sp.owed())
}

func (sp *space) flushOf(owed debt) uint64 {
	n := owed.unflushed
	n -= min(n, sp.flushed.Load())
	return n + n/4 + flushOverhead
}

// applied is called when an admitted commit of n bytes is in the log.
func (sp *space) applied(n int) {
	sp.mu.Lock()
	defer sp.mu.Unlock()
	sp.admitted -= uint64(n)
}

// Room implements [SpaceGuard].
func (s *Pebble) Room(n int64) (release func(), err error) {
	if err := s.space.grant(uint64(n)); err != nil {
		return nil, err
	}
	return sync.OnceFunc(func() { s.space.giveBack(uint64(n)) }), nil
}

// grant keeps n bytes for files that the engine does not write itself.
func (sp *space) grant(n uint64) error {
	sp.mu.Lock()
	defer sp.mu.Unlock()
	sp.refreshLocked(n)
	if sp.known && (sp.short.Load() || sp.free < sp.needLocked(0, drawNothing)+n) {
		return ErrNoSpace
	}
	sp.granted += n
	return nil
}

func (sp *space) giveBack(n uint64) {
	sp.mu.Lock()
	defer sp.mu.Unlock()
	sp.granted -= n
}

// fitsFlush reports whether a flush of everything finds the space that it needs.
func (sp *space) fitsFlush() bool {
	sp.mu.Lock()
	defer sp.mu.Unlock()
	sp.refreshLocked(0)
	return sp.drawLocked(func() uint64 { return sp.floor + sp.flushLocked() })
}

// spend is called before n bytes go to a table.
func (sp *space) spend(n int, flush bool) error {
	sp.mu.Lock()
	sp.refreshLocked(uint64(n))
	fits := sp.drawLocked(func() uint64 {
		need := sp.floor + uint64(n)
		if !flush {
			need += sp.flushLocked() + sp.leaveForCommits()
		}
		return need
	})
	sp.mu.Unlock()
	if fits {
		return nil
	}
	if flush {
		sp.refused.Add(1)
	} else {
		sp.crowded.Add(1)
	}
	time.Sleep(retryDelay)
	return fmt.Errorf("kv: table not written, the space is left to the log: %w", syscall.ENOSPC)
}

// leaveForCommits returns how much compactions leave, beside what a flush takes:
// room for freeing commits, also while one runs that needs more than was thought;
// where somebody has asked for a compaction, room for a few Drops.
func (sp *space) leaveForCommits() uint64 {
	if sp.compacting.Load() > 0 {
		return sp.floor / 4
	}
	return 3 * sp.margin()
}

// forCompactions returns how much of the free space compactions may take.
func (sp *space) forCompactions(free uint64) uint64 {
	return free - min(free, 2*sp.floor+3*sp.margin())
}

// lastFree returns how much space is free; 1<<63 where that is unknown.
func (sp *space) lastFree() uint64 {
	sp.mu.Lock()
	defer sp.mu.Unlock()
	sp.refreshLocked(0)
	if !sp.known {
		return 1 << 63
	}
	return sp.free
}

// refreshLocked reads the free space anew after some time or volume, and at every step
// where it is short. Where it could not be read only time counts.
func (sp *space) refreshLocked(n uint64) {
	sp.spent += n
	if sp.silent {
		return
	}
	due := sp.spent >= sp.low/8 || sp.free < sp.low+sp.low/2
	if (sp.failed || !due) && time.Since(sp.checked) < spaceCheckEvery {
		return
	}
	sp.readLocked()
	sp.updateLocked()
}

// readLocked reads the free space. Where that fails it is as it was read last.
func (sp *space) readLocked() {
	usage, err := sp.fs.GetDiskUsage(sp.dir)
	sp.checked, sp.spent = time.Now(), 0
	if err != nil {
		if sp.silent = errors.Is(err, vfs.ErrUnsupported); sp.silent {
			sp.known = false
		} else if !sp.failed {
			sp.logger.Warn("free space of the data directory cannot be read", "error", err)
		}
		sp.failed = true
		return
	}
	sp.known, sp.failed, sp.free = true, false, usage.AvailBytes
	sp.near.Store(sp.free < 4*(sp.low+sp.reserve.size))
}

// updateLocked gives the reserve up or makes it again.
func (sp *space) updateLocked() {
	switch {
	case !sp.known:
	case !sp.short.Load() && sp.free < sp.low:
		sp.giveUpLocked()
	case sp.short.Load() && sp.free >= max(sp.reserve.size+sp.low, sp.lineLocked(drawNothing))+sp.low/2:
		if err := sp.reserve.make(); err != nil {
			sp.logger.Warn("reserve not made", "error", err)
			_ = sp.reserve.remove()
		}
		sp.readLocked()
		sp.short.Store(false)
	}
}

func (sp *space) giveUpLocked() {
	sp.short.Store(true)
	if time.Since(sp.told) > tellEvery {
		sp.told = time.Now()
		sp.logger.Error("disk is nearly full: only deletions are accepted", "free_bytes", sp.free)
	}
	if err := sp.reserve.remove(); err != nil {
		sp.logger.Error("reserve not given up", "error", err)
	}
	sp.readLocked()
}
