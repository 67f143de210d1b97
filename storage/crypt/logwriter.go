package crypt

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"
)

const (
	minZerosAhead = 64 << 10
	maxZerosAhead = 1 << 20
	zeroBlock     = 64 << 10
)

// logWriter writes a log: one frame, or a few, for each Write. It owns inner.
type logWriter struct {
	mu      sync.Mutex // guards everything but written
	inner   vfs.File
	cipher  *fileCipher
	header  []byte // padded to a sector; nil once it is written
	out     []byte // the frames of one Write
	scratch []byte
	sector  uint64 // where the next frame begins
	synced  uint64 // the sectors before it are durable
	err     error  // once set, everything is refused with it
	onClose func()

	// zerosAhead: zeros are written ahead of the log's end, up to zeroed, so
	// that syncing a frame need not change the file's size, and a torn frame
	// stands before zeros.
	zerosAhead bool
	zeroed     int64

	// written is how many sectors are whole for a reader; it has no lock, so
	// that a reader never waits for a sync.
	written atomic.Uint64
}

func newLogWriter(inner vfs.File, c *fileCipher, header []byte) *logWriter {
	padded := make([]byte, sectorSize)
	copy(padded, header)
	return &logWriter{inner: inner, cipher: c, header: padded, sector: 1}
}

// Write appends p. It is durable once a Sync or SyncData that began later has returned.
func (w *logWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return 0, w.err
	}
	if len(p) == 0 {
		return 0, nil
	}
	next := w.sealFrames(p)
	if err := w.writeZerosAhead(int64(next) * sectorSize); err != nil {
		return 0, w.fail(err)
	}
	n, err := w.inner.Write(w.out)
	if err == nil && n != len(w.out) {
		err = errors.New("short write")
	}
	if err != nil {
		return 0, w.fail(err)
	}
	w.header, w.sector = nil, next
	w.written.Store(next)
	if cap(w.out) > 4*zeroBlock {
		w.out, w.scratch = nil, nil
	}
	return len(p), nil
}

// sealFrames puts the frames of p, and the header before the first ones, into
// w.out, and returns the sector behind them.
func (w *logWriter) sealFrames(p []byte) (next uint64) {
	w.out = append(w.out[:0], w.header...)
	next = w.sector
	for len(p) > 0 {
		n := min(len(p), w.cipher.maxFramePayload())
		before := len(w.out)
		w.out, w.scratch = w.cipher.appendFrame(w.out, w.scratch, p[:n], next, w.synced)
		next += uint64(len(w.out)-before) / sectorSize
		p = p[n:]
	}
	return next
}

// writeZerosAhead makes the file reach behind end, in steps that grow with it.
func (w *logWriter) writeZerosAhead(end int64) error {
	if !w.zerosAhead || end <= w.zeroed {
		return nil
	}
	to := end + min(max(end, minZerosAhead), maxZerosAhead)
	to -= to % sectorSize
	zeros := make([]byte, zeroBlock)
	for at := w.zeroed; at < to; at += zeroBlock {
		if _, err := w.inner.WriteAt(zeros[:min(zeroBlock, to-at)], at); err != nil {
			return err
		}
	}
	w.zeroed = to
	return nil
}

func (w *logWriter) fail(err error) error {
	w.err = fmt.Errorf("sealed log, refused since a write failed: %w", err)
	return err
}

// Sync makes everything written before durable.
func (w *logWriter) Sync() error { return w.sync(w.inner.Sync) }

// SyncData is Sync without the file's times.
func (w *logWriter) SyncData() error { return w.sync(w.inner.SyncData) }

func (w *logWriter) sync(inner func() error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return w.err
	}
	if err := inner(); err != nil {
		return w.fail(err)
	}
	w.synced = w.written.Load()
	return nil
}

// SyncTo starts the way of everything written to the disk.
func (w *logWriter) SyncTo(int64) (bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return false, w.err
	}
	full, err := w.inner.SyncTo(int64(w.written.Load()) * sectorSize)
	if err != nil {
		return false, w.fail(err)
	}
	if full {
		w.synced = w.written.Load()
	}
	return full, nil
}

// Close closes the file; what was not synced may get lost.
func (w *logWriter) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == errClosed {
		return errClosed
	}
	failed := w.err
	w.err = errClosed
	if w.onClose != nil {
		w.onClose()
	}
	err := w.inner.Close()
	if failed != nil {
		return failed
	}
	return err
}

func (w *logWriter) Stat() (vfs.FileInfo, error) { return w.inner.Stat() }
func (w *logWriter) Preallocate(offset, length int64) error {
	return w.inner.Preallocate(offset, length)
}
func (w *logWriter) Read([]byte) (int, error)           { return 0, errWriteOnly }
func (w *logWriter) ReadAt([]byte, int64) (int, error)  { return 0, errWriteOnly }
func (w *logWriter) WriteAt([]byte, int64) (int, error) { return 0, errWriteAt }
func (w *logWriter) Prefetch(int64, int64) error        { return nil }
func (w *logWriter) Fd() uintptr                        { return w.inner.Fd() }
