package kv

import "io"

// Guarded returns r, which ends with ErrNoSpace before what it gives, and the caller
// writes to a file beside the store's own, would fill the disk, and what is to be called
// when that is written. Of a store that is no SpaceGuard it is r.
func Guarded(s Store, r io.Reader) (guarded io.Reader, release func()) {
	if g, ok := s.(SpaceGuard); ok {
		sr := &spaceReader{r: r, guard: g, release: func() {}}
		return sr, func() { sr.release() }
	}
	return r, func() {}
}

// spaceReader asks for room in portions, ahead of what it gives.
type spaceReader struct {
	r       io.Reader
	guard   SpaceGuard
	room    int
	release func() // of the portion in use
}

const roomPortion = 1 << 20

// Read reads on.
func (s *spaceReader) Read(b []byte) (int, error) {
	if s.room <= 0 {
		s.release() // it is written, but for what the writer holds
		release, err := s.guard.Room(roomPortion)
		if err != nil {
			return 0, err
		}
		s.room, s.release = roomPortion, release
	}
	n, err := s.r.Read(b)
	s.room -= n
	return n, err
}
