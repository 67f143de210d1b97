package storage

import "settle/storage/spool"

// WaitForBackground returns when no background work is left.
func (s *Store) WaitForBackground() { s.background.Wait() }

// LimitBatches makes batches above so many bytes spool, and cuts them into
// transactions of that size, and of so many documents.
func (s *Store) LimitBatches(bytes, docs int) { s.batches = spool.Limit{Docs: docs, Bytes: bytes} }
