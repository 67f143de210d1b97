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

// Waiters is the table of a store's waiters.
type Waiters struct{ t *waiterTable }

func NewWaiters() Waiters { return Waiters{newWaiterTable()} }

func (w Waiters) Wait(p Partition) <-chan struct{} { return w.t.wait(p) }

// LargestMerge is how much a compaction writes at most.
var LargestMerge = largestMerge

// SetMaxBatch changes how many bytes a transaction may have.
func SetMaxBatch(s *Pebble, n int) { s.maxBatch = n }
