package kv

// PartitionsInUse counts the partitions that the engine keeps something in memory for.
func PartitionsInUse(s *Pebble) int {
	n := 0
	for i := range s.partitions.shards {
		shard := &s.partitions.shards[i]
		shard.mu.Lock()
		n += len(shard.used)
		shard.mu.Unlock()
	}
	return n
}

// LazyCommits returns how many commits wait for a later one to be synced.
func LazyCommits(s *Pebble) int {
	s.lazies.mu.Lock()
	defer s.lazies.mu.Unlock()
	return len(s.lazies.waiting)
}

// LargestMerge is how much a compaction writes at most.
var LargestMerge = largestMerge

// SetMaxBatch changes how many bytes a transaction may have.
func SetMaxBatch(s *Pebble, n int) { s.maxBatch = n }

// Ingested returns how many tables were written past the log.
func Ingested(s *Pebble) uint64 { return s.db.Metrics().Ingest.Count }
