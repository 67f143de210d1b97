package attachments

import (
	"settle/storage/couch"
	"settle/storage/kv"
)

// flight is a file that something is done with, or that is being removed.
type flight struct {
	users  int
	doomed bool // its record is gone: it goes with its last user, and nobody joins
}

// flightOf returns what is known of a file. The caller holds mu.
func (s *Store) flightOf(p kv.Partition, id couch.BlobID) *flight {
	if s.inFlight[p] == nil {
		s.inFlight[p] = map[couch.BlobID]*flight{}
	}
	f := s.inFlight[p][id]
	if f == nil {
		f = new(flight)
		s.inFlight[p][id] = f
	}
	return f
}

// begin marks a file as in flight: a new one, or one that the caller has marked before.
func (s *Store) begin(p kv.Partition, id couch.BlobID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flightOf(p, id).users++
}

// join is begin for a stored file. It reports whether that stays until end, rather than
// being about to go.
func (s *Store) join(p kv.Partition, id couch.BlobID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.flightOf(p, id)
	if !f.doomed {
		f.users++
	}
	return !f.doomed
}

// end takes the mark away. The file goes where somebody wanted to remove it meanwhile;
// where that fails Sweep does it.
func (s *Store) end(p kv.Partition, id couch.BlobID) {
	if s.land(p, id) {
		s.fs.Remove(s.path(p, id))
		s.forget(p, id)
	}
}

// land reports whether the file is to be removed now, and then forgotten.
func (s *Store) land(p kv.Partition, id couch.BlobID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.flightOf(p, id)
	f.users--
	if f.users > 0 {
		return false
	}
	if !f.doomed {
		s.drop(p, id)
	}
	return f.doomed
}

// doom has a file removed behind its last user, and reports whether that is the caller:
// then the caller removes it, and forgets it.
func (s *Store) doom(p kv.Partition, id couch.BlobID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.flightOf(p, id)
	f.doomed = true
	return f.users == 0
}

func (s *Store) forget(p kv.Partition, id couch.BlobID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop(p, id)
}

// drop is forget for who holds mu.
func (s *Store) drop(p kv.Partition, id couch.BlobID) {
	delete(s.inFlight[p], id)
	if len(s.inFlight[p]) == 0 {
		delete(s.inFlight, p)
	}
}

// settled returns those of ids that are not in flight.
func (s *Store) settled(p kv.Partition, ids []couch.BlobID) []couch.BlobID {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]couch.BlobID, 0, len(ids))
	for _, id := range ids {
		if _, busy := s.inFlight[p][id]; !busy {
			out = append(out, id)
		}
	}
	return out
}

// busy reports whether any file of the partition is in flight.
func (s *Store) busy(p kv.Partition) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.inFlight[p]) > 0
}
