package attachments

// SpareSums returns how many chunks have a place that all contents share, while they wait
// for their sums.
func (s *Store) SpareSums() int { return len(s.sumsSpare) }

// LastKeys returns how many keys of uploads are remembered.
func (s *Store) LastKeys() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.lastKeys)
}
