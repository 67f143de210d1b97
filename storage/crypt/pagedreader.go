package crypt

import (
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// readBatch is how many pages are read from the disk at once, at most.
const readBatch = 16

var pageBuffers = sync.Pool{New: func() any { return new([readBatch * pageSize]byte) }}

// pagedReader reads a file of pages. ReadAt is safe for concurrent use. It owns inner.
type pagedReader struct {
	inner  vfs.File
	cipher *fileCipher // nil for an empty file
	name   string      // for messages
	onDisk int64
	size   int64 // content bytes
	pages  int64
	pos    int64 // of Read
}

// newPagedReader reads and authenticates the header.
func newPagedReader(inner vfs.File, k *Keyring, name string) (*pagedReader, error) {
	info, err := inner.Stat()
	if err != nil {
		return nil, err
	}
	r := &pagedReader{inner: inner, name: name, onDisk: info.Size()}
	if r.onDisk == 0 {
		return r, nil
	}
	var header [headerSize]byte
	if err := readFullAt(inner, header[:], 0); err != nil {
		return nil, fmt.Errorf("header of %s: %w", name, err)
	}
	if r.cipher, err = openHeader(k, header[:], name); err != nil {
		return nil, err
	}
	if r.size, err = r.cipher.contentSize(r.onDisk); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	r.pages = (r.onDisk - headerSize + pageSize - 1) / pageSize
	return r, nil
}

// readFullAt fills p; a file that ends before is damaged.
func readFullAt(f io.ReaderAt, p []byte, off int64) error {
	n, err := f.ReadAt(p, off)
	if n == len(p) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: the file ends in the middle", ErrDamaged)
	}
	return err
}

// Read implements io.Reader.
func (r *pagedReader) Read(p []byte) (int, error) {
	n, err := r.ReadAt(p, r.pos)
	r.pos += int64(n)
	if n > 0 && errors.Is(err, io.EOF) {
		err = nil
	}
	return n, err
}

// ReadAt implements io.ReaderAt. Bytes that it returns have been authenticated,
// with their place.
func (r *pagedReader) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, errors.New("negative offset")
	}
	if len(p) == 0 {
		return 0, nil
	}
	if off >= r.size {
		return 0, io.EOF
	}
	want := int(min(int64(len(p)), r.size-off))
	buf := pageBuffers.Get().(*[readBatch * pageSize]byte)
	defer pageBuffers.Put(buf)
	done := 0
	for done < want {
		n, err := r.readBatch(p[done:want], off+int64(done), buf[:])
		done += n
		if err != nil {
			return done, err
		}
	}
	if done < len(p) {
		return done, io.EOF
	}
	return done, nil
}

// readBatch reads what of [off, off+len(p)) lies in the next pages that fit into buf.
func (r *pagedReader) readBatch(p []byte, off int64, buf []byte) (int, error) {
	payload := int64(r.cipher.pagePayload())
	first := off / payload
	count := min((off+int64(len(p))-1)/payload-first+1, readBatch)
	start := headerSize + first*pageSize
	buf = buf[:min(count*pageSize, r.onDisk-start)]
	if err := readFullAt(r.inner, buf, start); err != nil {
		return 0, fmt.Errorf("page %d of %s: %w", first, r.name, err)
	}
	done, skip := 0, int(off-first*payload)
	for index := first; len(buf) > 0; index++ {
		page := buf[:min(pageSize, len(buf))]
		buf = buf[len(page):]
		n, err := r.openPage(p[done:], page, index, skip)
		if err != nil {
			return done, err
		}
		done, skip = done+n, 0
	}
	return done, nil
}

// openPage puts the page's contents from skip on into p. A page that is wanted
// whole is opened in its destination.
func (r *pagedReader) openPage(p, page []byte, index int64, skip int) (int, error) {
	aad := pageAAD(uint64(index), index == r.pages-1)
	length := len(page) - r.cipher.overhead()
	direct := skip == 0 && len(p) >= length
	dst := page[r.cipher.aead.NonceSize():][:0]
	if direct {
		dst = p[:0:length]
	}
	text, err := r.cipher.open(dst, page, aad[:])
	if err != nil {
		return 0, fmt.Errorf("page %d of %s: %w", index, r.name, err)
	}
	if direct {
		return length, nil
	}
	return copy(p, text[skip:]), nil
}

// Stat returns the file's description with the size of its contents.
func (r *pagedReader) Stat() (vfs.FileInfo, error) {
	info, err := r.inner.Stat()
	if err != nil {
		return nil, err
	}
	return sizedInfo{info, r.size}, nil
}

// Prefetch passes the hint on for the place on disk.
func (r *pagedReader) Prefetch(offset, length int64) error {
	if r.cipher == nil {
		return nil
	}
	from, to := r.cipher.diskOffset(offset), r.cipher.diskOffset(offset+length)+pageSize
	return r.inner.Prefetch(from, to-from)
}

func (r *pagedReader) Close() error                       { return r.inner.Close() }
func (r *pagedReader) Fd() uintptr                        { return r.inner.Fd() }
func (r *pagedReader) Write([]byte) (int, error)          { return 0, errReadOnly }
func (r *pagedReader) WriteAt([]byte, int64) (int, error) { return 0, errWriteAt }
func (r *pagedReader) Preallocate(int64, int64) error     { return errReadOnly }
func (r *pagedReader) Sync() error                        { return r.inner.Sync() }
func (r *pagedReader) SyncData() error                    { return r.inner.SyncData() }
func (r *pagedReader) SyncTo(length int64) (bool, error)  { return false, nil }
