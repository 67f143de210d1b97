package attachments

import (
	"crypto/hmac"
	"crypto/sha256"

	"settle/storage/couch"
)

// maxStarts bounds the contents that are remembered by how they start.
const maxStarts = 16 << 10

// start tells how a content starts, under the DedupKey of its database.
type start [sha256.Size]byte

// start returns how a content starts; ok is false where nobody can tell.
func (b *Blobs) start(head []byte) (s start, ok bool) {
	if b.dedup == nil || len(head) == 0 {
		return s, false
	}
	mac := hmac.New(sha256.New, b.dedup.key[:])
	mac.Write([]byte("start"))
	mac.Write(head)
	mac.Sum(s[:0])
	return s, true
}

// announced returns the digest that a content may have which starts so, and which no
// client has announced: that of the last one that did. PouchDB says the digest of what it
// sends only behind the content.
func (s *Store) announced(by start) couch.Digest {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.starts[by]
}

// remember keeps what announced returns, in memory only: of what was stored before the
// server began the first repetition is written, and found equal behind that.
func (s *Store) remember(by start, digest couch.Digest) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for other := range s.starts {
		if len(s.starts) < maxStarts {
			break
		}
		delete(s.starts, other)
	}
	s.starts[by] = digest
}
