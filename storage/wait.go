package storage

import (
	"time"

	"settle/storage/kv"
)

// wait returns a channel that is closed after the next commit to a partition.
// Where the engine cannot tell of commits the channel closes by itself after a
// while, so that whoever waits looks again.
func (s *Store) wait(p kv.Partition) <-chan struct{} {
	if w, ok := s.kv.(kv.Waker); ok {
		return w.Wait(p)
	}
	c := make(chan struct{})
	time.AfterFunc(pollInterval, func() { close(c) })
	return c
}

const pollInterval = 250 * time.Millisecond
