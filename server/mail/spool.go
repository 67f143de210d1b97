package mail

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"os"

	"settle/storage/crypt"
)

// heldInMemory is up to how many bytes a message is held without a file.
const heldInMemory = 256 << 10

// spool holds a message for as long as it is being delivered. It is for one goroutine.
type spool struct {
	length int64
	digest [sha256.Size]byte

	small []byte   // all of a short message
	file  *os.File // of a longer one, in sealed chunks; it has no name any more
	key   *crypt.BlobKey
}

// readSpool reads a message to its end. A longer one goes to a file in dir, "" for the
// system's place for such files, of which a crash leaves at most a name: nobody else
// has the key. The caller closes the spool.
func readSpool(r io.Reader, dir string) (*spool, error) {
	sum := sha256.New()
	r = io.TeeReader(r, sum)
	head, err := io.ReadAll(io.LimitReader(r, heldInMemory+1))
	if err != nil {
		return nil, err
	}
	s := &spool{length: int64(len(head)), small: head}
	if len(head) > heldInMemory {
		if err := s.spill(io.MultiReader(bytes.NewReader(head), r), dir); err != nil {
			return nil, err
		}
	}
	s.digest = [sha256.Size]byte(sum.Sum(nil))
	return s, nil
}

// spill writes what r gives to a file.
func (s *spool) spill(r io.Reader, dir string) error {
	file, err := os.CreateTemp(dir, "settle-*")
	if err != nil {
		return err
	}
	s.file, s.key, s.small, s.length = file, crypt.NewBlobKey(), nil, 0
	err = errors.Join(os.Remove(file.Name()), s.sealChunks(r))
	if err != nil {
		file.Close()
	}
	return err
}

// sealChunks writes chunks, each but the last of crypt.ChunkSize bytes of content; the
// last has less, maybe none.
func (s *spool) sealChunks(r io.Reader) error {
	plain := make([]byte, crypt.ChunkSize)
	sealed := make([]byte, 0, crypt.ChunkSize+crypt.ChunkOverhead)
	for index := uint64(0); ; index++ {
		n, err := crypt.ReadChunk(r, plain)
		if err != nil {
			return err
		}
		last := n < len(plain)
		if _, err := s.file.Write(s.key.SealChunk(sealed[:0], index, last, plain[:n])); err != nil {
			return err
		}
		s.length += int64(n)
		if last {
			return nil
		}
	}
}

// Close forgets the message.
func (s *spool) Close() error {
	if s.file == nil {
		return nil
	}
	return s.file.Close()
}

// open returns the message from its beginning. Several may be read at a time.
func (s *spool) open() io.Reader {
	if s.file == nil {
		return bytes.NewReader(s.small)
	}
	return &spoolReader{spool: s}
}

// spoolReader reads the sealed chunks of a spool.
type spoolReader struct {
	spool *spool
	index uint64
	left  []byte // of the chunk that was opened last
	chunk []byte
	ended bool
}

// Read reads from the message.
func (r *spoolReader) Read(p []byte) (int, error) {
	for len(r.left) == 0 {
		if r.ended {
			return 0, io.EOF
		}
		if err := r.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, r.left)
	r.left = r.left[n:]
	return n, nil
}

func (r *spoolReader) next() error {
	const size = crypt.ChunkSize + crypt.ChunkOverhead
	if r.chunk == nil {
		r.chunk = make([]byte, size)
	}
	r.ended = r.index == uint64(r.spool.length)/crypt.ChunkSize
	want := r.chunk
	if r.ended {
		want = want[:r.spool.length%crypt.ChunkSize+crypt.ChunkOverhead]
	}
	if n, err := r.spool.file.ReadAt(want, int64(r.index)*size); n < len(want) {
		if err == io.EOF { // not that of the message
			err = io.ErrUnexpectedEOF
		}
		return err
	}
	var err error
	r.left, err = r.spool.key.OpenChunk(nil, r.index, r.ended, want)
	r.index++
	return err
}
