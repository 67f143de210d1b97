package attachments

import (
	"bytes"
	"context"
	"io"

	"github.com/cockroachdb/pebble/v2/vfs"

	"settle/storage/couch"
	"settle/storage/crypt"
)

const (
	// saveEvery is how many bytes of an upload a crash costs at the most.
	saveEvery = 16 << 20
	// maxSegments bounds the keys of one upload: how often it may be opened again.
	maxSegments = 16 << 10
	// maxLastKeys bounds the keys that are remembered.
	maxLastKeys = 1024
)

// ErrUploadBusy is the error of LockUpload while something is being appended.
var ErrUploadBusy = &couch.Error{Kind: couch.Unavailable, Reason: "Something else is being appended to the upload."}

var errInterrupted = &couch.Error{Kind: couch.BadRequest, Reason: "The upload was interrupted too often."}

// lastKey is the key that sealed the last whole chunk of an upload, while nothing has
// failed: the next one may be sealed under it.
type lastKey struct {
	key  *crypt.BlobKey
	next uint64
}

// Append appends what r gives to an upload, up to its length, and seals it as it comes.
// save is called whenever more of it is on disk, and stores the upload's row; it gets
// the upload as it then is. When Append returns, also with an error of r or of ctx, all
// that came is saved, unless the error is one of the file system or of save; Offset
// says how much. A chunk is never sealed again under a key that has sealed it. The caller
// holds LockUpload since before it has read u.
func (b *Blobs) Append(ctx context.Context, u *Upload, r io.Reader, save func(*Upload) error) error {
	if u.Complete() && len(u.segments) > 0 {
		return save(u) // every chunk is sealed; the last one would be sealed again, from nothing
	}
	a := &appending{blobs: b, u: u, save: save, sums: b.newSums()}
	defer a.sums.close()
	if err := a.sums.restore(u.md5, u.macs); err != nil {
		return corrupt(u.ID, err)
	}
	if err := a.open(); err != nil {
		return err
	}
	err := a.run(ctx, r)
	closeErr := a.file.Close()
	if err == nil && closeErr != nil {
		err = fileError(closeErr)
	}
	return err
}

// appending is one run of Append.
type appending struct {
	blobs *Blobs
	u     *Upload
	save  func(*Upload) error
	file  vfs.File

	sums    *sums
	key     *crypt.BlobKey
	next    uint64 // the chunk that is sealed next
	unsaved int64  // bytes sealed since the last save
}

// open opens the file, and finds the key: a fresh one, unless this process has sealed
// the chunk before and nothing has failed since.
func (a *appending) open() error {
	s, id := a.blobs.store, a.u.ID
	if err := s.makeDir(a.blobs.id, id); err != nil {
		return fileError(err)
	}
	var err error
	if a.file, err = s.fs.OpenReadWrite(s.path(a.blobs.id, id), vfs.WriteCategoryUnspecified); err != nil {
		return fileError(err)
	}
	if err := s.syncDir(s.shardDir(a.blobs.id, id)); err != nil {
		a.file.Close()
		return fileError(err)
	}
	a.next = uint64((a.u.Offset - int64(len(a.u.tail))) / crypt.ChunkSize)
	a.key = s.takeLastKey(id, a.next)
	return nil
}

// run appends and saves. What r has given is saved whatever ends it.
func (a *appending) run(ctx context.Context, r io.Reader) error {
	in := &contextReader{ctx, io.LimitReader(r, a.u.Length-a.u.Offset)}
	chunk, sealed := getChunk(), getChunk()
	defer func() { chunk.put(); sealed.put() }()
	for {
		n, readErr := a.fill(chunk, in)
		whole, last := n == crypt.ChunkSize, a.u.Offset == a.u.Length && !a.sealedWhole()
		if whole || last {
			if err := a.seal(sealed, chunk[:n], last); err != nil {
				return err
			}
		} else {
			a.u.tail = bytes.Clone(chunk[:n])
		}
		done := readErr != nil || last || !whole
		if done || a.unsaved >= saveEvery {
			if err := a.store(done); err != nil {
				return err
			}
		}
		if done {
			return readErr
		}
	}
}

// fill puts the tail into a chunk, and what comes behind it.
func (a *appending) fill(chunk *chunkBuffer, in io.Reader) (n int, err error) {
	n = copy(chunk[:], a.u.tail)
	come, err := crypt.ReadChunk(in, chunk[n:crypt.ChunkSize])
	a.u.Offset += int64(come)
	a.u.tail = nil
	return n + come, err
}

// sealedWhole reports whether the last chunk has been sealed.
func (a *appending) sealedWhole() bool { return a.next == uint64(chunks(a.u.Length)) }

// seal writes a chunk to its place.
func (a *appending) seal(buf *chunkBuffer, plain []byte, last bool) error {
	if a.key == nil {
		if len(a.u.segments) == maxSegments {
			return errInterrupted
		}
		a.key = crypt.NewBlobKey()
		a.u.segments = append(a.u.segments, segment{a.next, a.key})
	}
	if a.next == 0 {
		a.u.start = a.blobs.newStart(plain)
	}
	a.sums.write(plain)
	text := a.key.SealChunk(buf[:0], a.next, last, plain)
	if _, err := a.file.WriteAt(text, int64(a.next)*(crypt.ChunkSize+crypt.ChunkOverhead)); err != nil {
		return fileError(err)
	}
	a.next++
	a.unsaved += int64(len(plain))
	return nil
}

// store makes durable what has come. With the last save the key is remembered.
func (a *appending) store(done bool) error {
	if a.unsaved > 0 {
		if err := a.file.Sync(); err != nil {
			return fileError(err)
		}
	}
	a.unsaved = 0
	if a.sealedWhole() {
		a.sums.close()
	} else {
		a.sums.wait()
	}
	a.u.md5, a.u.macs = a.sums.state()
	if err := a.save(a.u); err != nil {
		return err
	}
	if done && a.key != nil && !a.sealedWhole() {
		a.blobs.store.keepLastKey(a.u.ID, lastKey{a.key, a.next})
	}
	return nil
}

// LockUpload makes the caller the only one who appends to an upload, or removes it as
// expired, until it calls unlock. The error is ErrUploadBusy.
func (b *Blobs) LockUpload(id couch.BlobID) (unlock func(), err error) {
	s := b.store
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.uploading[id] {
		return nil, ErrUploadBusy
	}
	s.uploading[id] = true
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.uploading, id)
	}, nil
}

// takeLastKey returns the key with which an upload goes on, and forgets it: who fails
// does not put it back. It is nil where another chunk comes next.
func (s *Store) takeLastKey(id couch.BlobID, next uint64) *crypt.BlobKey {
	s.mu.Lock()
	defer s.mu.Unlock()
	last, ok := s.lastKeys[id]
	delete(s.lastKeys, id)
	if !ok || last.next != next {
		return nil
	}
	return last.key
}

// forgetLastKey forgets the key of an upload to which nothing is to be appended any more.
func (s *Store) forgetLastKey(id couch.BlobID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.lastKeys, id)
}

func (s *Store) keepLastKey(id couch.BlobID, last lastKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for other := range s.lastKeys {
		if len(s.lastKeys) < maxLastKeys {
			break
		}
		delete(s.lastKeys, other)
	}
	s.lastKeys[id] = last
}
