package storage

// WaitForBackground returns when no background work is left.
func (s *Store) WaitForBackground() { s.background.Wait() }
