package crypt

import (
	"errors"
	"fmt"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// writeBatch is how many bytes of sealed pages are gathered for one write.
const writeBatch = 16 * pageSize

var (
	errWriteOnly = errors.New("a sealed file cannot be read through the handle that writes it")
	errWriteAt   = fmt.Errorf("a sealed file is written in order: %w", vfs.ErrUnsupported)
	errReadOnly  = errors.New("file is open for reading only")
	errClosed    = errors.New("file is closed")
)

// pagedWriter writes a file of pages. The page under construction is held back
// until there is more, or Close says that it is the last: each page is sealed
// exactly once. It owns inner.
type pagedWriter struct {
	mu     sync.Mutex // guards everything below
	inner  vfs.File
	cipher *fileCipher
	page   []byte // contents of the page under construction
	out    []byte // header and sealed pages that are not written yet
	index  uint64 // of the page under construction
	size   int64  // content bytes so far
	onDisk int64  // bytes written to inner
	err    error  // once set, everything is refused with it
}

func newPagedWriter(inner vfs.File, c *fileCipher, header []byte) *pagedWriter {
	return &pagedWriter{
		inner:  inner,
		cipher: c,
		page:   make([]byte, 0, c.pagePayload()),
		out:    append(make([]byte, 0, headerSize+writeBatch), header...),
	}
}

// Write takes p over; the last page, at least, stays in memory until Close.
func (w *pagedWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return 0, w.err
	}
	for rest := p; len(rest) > 0; {
		if len(w.page) == cap(w.page) {
			w.sealPage(false)
			if err := w.flushIf(writeBatch); err != nil {
				return 0, err
			}
		}
		n := min(len(rest), cap(w.page)-len(w.page))
		w.page = append(w.page, rest[:n]...)
		rest = rest[n:]
	}
	w.size += int64(len(p))
	return len(p), nil
}

func (w *pagedWriter) sealPage(last bool) {
	aad := pageAAD(w.index, last)
	w.out = w.cipher.seal(w.out, w.page, aad[:])
	w.page = w.page[:0]
	w.index++
}

// flushIf writes the sealed pages out if they are at least n bytes.
func (w *pagedWriter) flushIf(n int) error {
	if len(w.out) < n || w.index == 0 {
		return nil
	}
	wrote, err := w.inner.Write(w.out)
	if err == nil && wrote != len(w.out) {
		err = errors.New("short write")
	}
	if err != nil {
		return w.fail(err)
	}
	w.onDisk += int64(len(w.out))
	w.out = w.out[:0]
	return nil
}

func (w *pagedWriter) fail(err error) error {
	w.err = fmt.Errorf("sealed file, refused since a write failed: %w", err)
	return err
}

// Sync writes the whole pages out and starts their way to the disk. Only Close
// makes the file durable, since only then the last page is known.
func (w *pagedWriter) Sync() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return w.err
	}
	if err := w.flushIf(1); err != nil {
		return err
	}
	return w.startWriting(w.onDisk)
}

// SyncData is Sync.
func (w *pagedWriter) SyncData() error { return w.Sync() }

// SyncTo starts the way of the contents up to length to the disk, as far as they
// are written out. It never promises that anything is durable.
func (w *pagedWriter) SyncTo(length int64) (bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return false, w.err
	}
	return false, w.startWriting(min(w.cipher.diskOffset(length), w.onDisk))
}

func (w *pagedWriter) startWriting(onDisk int64) error {
	if w.onDisk == 0 {
		return nil
	}
	if _, err := w.inner.SyncTo(onDisk); err != nil {
		return w.fail(err)
	}
	return nil
}

// Close seals the last page, syncs and closes. Without an error the whole file
// is durable, if its directory entry is. After a failure inner is closed all the same.
func (w *pagedWriter) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == errClosed {
		return errClosed
	}
	err := w.finish()
	w.err = errClosed
	if closeErr := w.inner.Close(); err == nil {
		err = closeErr
	}
	return err
}

func (w *pagedWriter) finish() error {
	if w.err != nil {
		return w.err
	}
	if w.size == 0 {
		return nil
	}
	w.sealPage(true)
	if err := w.flushIf(1); err != nil {
		return err
	}
	return w.inner.Sync()
}

// Stat returns the file's description with the size of the contents so far.
func (w *pagedWriter) Stat() (vfs.FileInfo, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	info, err := w.inner.Stat()
	if err != nil {
		return nil, err
	}
	return sizedInfo{info, w.size}, nil
}

// Preallocate passes the hint on for the place on disk.
func (w *pagedWriter) Preallocate(offset, length int64) error {
	from, to := w.cipher.diskOffset(offset), w.cipher.diskOffset(offset+length)
	return w.inner.Preallocate(from, to-from)
}

func (w *pagedWriter) Read([]byte) (int, error)           { return 0, errWriteOnly }
func (w *pagedWriter) ReadAt([]byte, int64) (int, error)  { return 0, errWriteOnly }
func (w *pagedWriter) WriteAt([]byte, int64) (int, error) { return 0, errWriteAt }
func (w *pagedWriter) Prefetch(int64, int64) error        { return nil }
func (w *pagedWriter) Fd() uintptr                        { return w.inner.Fd() }
