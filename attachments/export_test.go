package attachments

// SpareSums returns how many chunks have a place that all contents share, while they wait
// for their sums.
func (s *Store) SpareSums() int { return len(s.sumsSpare) }
