package crypt

import (
	"errors"
	"fmt"
	"io"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// logWindow is how many sectors a log reader takes from the disk at once, at least.
const logWindow = 256

// logReader reads a log in order, and tells its end from damage: a frame that
// does not open is torn if one of its sectors is all zero or missing, and a torn
// frame is the end unless a frame behind it knows that it had been synced.
type logReader struct {
	inner  vfs.File
	keys   *Keyring
	name   string
	live   *logWriter  // if set, the log is being written; only its whole frames are read
	cipher *fileCipher // nil until the header is read
	sector uint64      // of the next frame
	rest   []byte      // payload not handed out yet, inside window
	err    error       // how the log ended

	window   []byte // whole sectors, beginning at windowAt; frames are opened in place
	windowAt uint64
}

func newLogReader(inner vfs.File, k *Keyring, name string, live *logWriter) *logReader {
	return &logReader{inner: inner, keys: k, name: name, live: live}
}

// Read implements io.Reader. Bytes that it returns have been authenticated, with
// their place and order.
func (r *logReader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for len(r.rest) == 0 {
		if r.err == nil {
			r.err = r.next()
		}
		if r.err != nil {
			err := r.err
			if r.live != nil && err == io.EOF {
				r.err = nil // there may be more, later
			}
			return 0, err
		}
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// next opens the next frame, and the header before the first.
func (r *logReader) next() error {
	if r.cipher == nil {
		if err := r.readHeader(); err != nil {
			return err
		}
	}
	frame, torn, err := r.frame(r.sector)
	if err != nil {
		return err
	}
	if torn {
		return r.end()
	}
	at := r.sector
	r.sector += uint64(len(frame) / sectorSize)
	if r.rest, _, err = r.cipher.openFrame(frame, at); err == nil {
		return nil
	}
	// The frame was opened in place, which destroys it when it fails.
	r.window = nil
	if frame, err = r.sectors(at, len(frame)/sectorSize); err != nil {
		return err
	}
	r.sector = at
	if hasZeroSector(frame) {
		return r.end()
	}
	return r.damaged("does not authenticate")
}

// readHeader reads the first sector. A log whose header never reached the disk
// is empty: without its salt nothing behind it could be opened.
func (r *logReader) readHeader() error {
	b, err := r.sectors(0, 1)
	if err != nil {
		return err
	}
	if len(b) < sectorSize || hasZeroSector(b) {
		return io.EOF
	}
	r.cipher, err = openHeader(r.keys, b, r.name)
	if err != nil {
		return err
	}
	if !allZero(b[headerSize:]) {
		r.cipher = nil
		return r.damaged("has a bad header")
	}
	r.sector = 1
	return nil
}

// frame returns the bytes of the frame at sector start, valid until the next
// call, or that it is torn.
func (r *logReader) frame(start uint64) (frame []byte, torn bool, err error) {
	b, err := r.sectors(start, 1)
	if err != nil {
		return nil, false, err
	}
	if len(b) < sectorSize || allZero(b) {
		return nil, true, nil
	}
	n, ok := frameSectors(b, start)
	if !ok {
		return nil, false, r.damaged("begins with no frame")
	}
	b, err = r.sectors(start, int(n))
	return b, len(b) < int(n)*sectorSize, err
}

// end decides about a torn frame at r.sector: every sector behind it is tried as
// a frame's beginning, and one that was written when the torn one had been synced
// is the proof of damage.
func (r *logReader) end() error {
	for at := r.sector + 1; ; at++ {
		b, err := r.sectors(at, 1)
		if err != nil {
			return err
		}
		if len(b) < sectorSize {
			return io.EOF
		}
		n, ok := frameSectors(b, at)
		if !ok {
			continue
		}
		if b, err = r.sectors(at, int(n)); err != nil {
			return err
		}
		if len(b) < int(n)*sectorSize {
			continue
		}
		_, synced, err := r.cipher.openFrame(append([]byte(nil), b...), at)
		if err == nil && synced > r.sector {
			return r.damaged("was synced, but is not there")
		}
	}
}

// sectors returns n sectors from start on, fewer, down to none, if the file ends
// before. They are valid until the next call.
func (r *logReader) sectors(start uint64, n int) ([]byte, error) {
	ahead := max(n, logWindow)
	if r.live != nil {
		whole := r.live.written.Load()
		if start >= whole {
			return nil, nil
		}
		n = int(min(uint64(n), whole-start))
		ahead = int(min(uint64(ahead), whole-start)) // what lies behind may still change
	}
	have := uint64(len(r.window) / sectorSize)
	if start < r.windowAt || start+uint64(n) > r.windowAt+have {
		if err := r.fill(start, ahead); err != nil {
			return nil, err
		}
		have = uint64(len(r.window) / sectorSize)
	}
	from := start - r.windowAt
	to := min(from+uint64(n), have)
	return r.window[from*sectorSize : to*sectorSize], nil
}

// fill reads up to n sectors from start on into the window.
func (r *logReader) fill(start uint64, n int) error {
	if cap(r.window) < n*sectorSize {
		r.window = make([]byte, n*sectorSize)
	}
	r.window, r.windowAt = r.window[:n*sectorSize], start
	got, err := r.inner.ReadAt(r.window, int64(start)*sectorSize)
	r.window = r.window[:got-got%sectorSize]
	if err != nil && !errors.Is(err, io.EOF) {
		r.window = nil
		return err
	}
	return nil
}

func (r *logReader) damaged(how string) error {
	return fmt.Errorf("%w: sector %d of %s %s", ErrDamaged, r.sector, r.name, how)
}

func hasZeroSector(b []byte) bool {
	for ; len(b) >= sectorSize; b = b[sectorSize:] {
		if allZero(b[:sectorSize]) {
			return true
		}
	}
	return false
}

func allZero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

var errInOrder = fmt.Errorf("a sealed log is read in order: %w", vfs.ErrUnsupported)

func (r *logReader) Close() error                        { return r.inner.Close() }
func (r *logReader) Stat() (vfs.FileInfo, error)         { return r.inner.Stat() }
func (r *logReader) Fd() uintptr                         { return r.inner.Fd() }
func (r *logReader) Prefetch(offset, length int64) error { return r.inner.Prefetch(offset, length) }
func (r *logReader) ReadAt([]byte, int64) (int, error)   { return 0, errInOrder }
func (r *logReader) Write([]byte) (int, error)           { return 0, errReadOnly }
func (r *logReader) WriteAt([]byte, int64) (int, error)  { return 0, errWriteAt }
func (r *logReader) Preallocate(int64, int64) error      { return errReadOnly }
func (r *logReader) Sync() error                         { return r.inner.Sync() }
func (r *logReader) SyncData() error                     { return r.inner.SyncData() }
func (r *logReader) SyncTo(int64) (bool, error)          { return false, nil }
