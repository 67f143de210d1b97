package attachments

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/cockroachdb/pebble/v2/vfs"

	"settle/storage/crypt"
)

// smallReader reads a content in memory. It has bytes.Reader's WriteTo.
type smallReader struct{ *bytes.Reader }

func newSmallReader(content []byte) io.ReadCloser { return smallReader{bytes.NewReader(content)} }

func (smallReader) Close() error { return nil }

// fileReader reads a range of a blob's file, a chunk at a time.
type fileReader struct {
	blob *Blob
	file vfs.File
	pos  int64        // of what is opened next, in the content
	end  int64        // of the range
	buf  *chunkBuffer // nil after Close
	left []byte       // opened and not yet given out; part of buf
	err  error
}

func (b *Blob) openFile(offset, length int64) (*fileReader, error) {
	f, err := b.store.fs.Open(b.store.path(b.part, b.id))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, corrupt(b.id, ErrFileMissing)
	}
	if err != nil {
		return nil, fileError(err)
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, fileError(err)
	}
	if want := sealedSize(b.Length()); info.Size() != want {
		f.Close()
		return nil, corrupt(b.id, fmt.Errorf("the file has %d bytes instead of %d", info.Size(), want))
	}
	return &fileReader{blob: b, file: f, pos: offset, end: offset + length, buf: getChunk()}, nil
}

// Read reads from the range, and returns io.EOF at its end.
func (r *fileReader) Read(b []byte) (int, error) {
	if len(b) == 0 && r.err == nil {
		return 0, nil
	}
	if err := r.advance(); err != nil {
		return 0, err
	}
	n := copy(b, r.left)
	r.left = r.left[n:]
	return n, nil
}

// WriteTo writes what is left of the range to w, a chunk at a time. Of a long range
// the next chunks are opened meanwhile.
func (r *fileReader) WriteTo(w io.Writer) (written int64, err error) {
	for {
		if r.readsAhead() {
			n, err := r.writeAhead(w)
			return written + n, err
		}
		if err := r.advance(); err == io.EOF {
			return written, nil
		} else if err != nil {
			return written, err
		}
		n, err := w.Write(r.left)
		written += int64(n)
		r.left = r.left[n:]
		if err != nil {
			return written, err
		}
	}
}

// Close frees the file and the buffers.
func (r *fileReader) Close() error {
	if r.buf == nil {
		return nil
	}
	r.buf.put()
	r.buf, r.left, r.err = nil, nil, errClosed
	return r.file.Close()
}

// advance makes sure that something is left to give out.
func (r *fileReader) advance() error {
	if r.err == nil && len(r.left) == 0 {
		if r.pos >= r.end {
			r.err = io.EOF
		} else {
			r.left, r.err = r.openChunk(r.buf[:])
		}
	}
	return r.err
}

// openChunk opens the chunk of pos in buf, which has room for a sealed one, and
// returns what the range wants of it.
func (r *fileReader) openChunk(buf []byte) ([]byte, error) {
	index := r.pos / crypt.ChunkSize
	start := index * crypt.ChunkSize
	size := min(crypt.ChunkSize, r.blob.Length()-start)
	last := index == chunks(r.blob.Length())-1

	sealed := buf[:size+crypt.ChunkOverhead]
	n, err := r.file.ReadAt(sealed, index*(crypt.ChunkSize+crypt.ChunkOverhead))
	if n < len(sealed) {
		if err == nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, corrupt(r.blob.id, fmt.Errorf("chunk %d is cut off", index))
		}
		return nil, fileError(err)
	}
	plain, err := r.blob.keyOf(uint64(index)).OpenChunk(sealed[:0], uint64(index), last, sealed)
	if err != nil {
		return nil, corrupt(r.blob.id, fmt.Errorf("chunk %d: %w", index, err))
	}
	if int64(len(plain)) != size {
		return nil, corrupt(r.blob.id, fmt.Errorf("chunk %d has another length", index))
	}
	wanted := plain[r.pos-start : min(size, r.end-start)]
	r.pos = start + size
	return wanted, nil
}
