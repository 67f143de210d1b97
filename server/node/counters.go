package node

import (
	"sync"
	"time"
)

// Counters count what the server has done since it was started. They are safe for
// concurrent use.
type Counters struct {
	started time.Time

	mu       sync.Mutex
	requests int64
	methods  map[string]int64
	statuses map[int]int64
}

// NewCounters returns counters that begin now.
func NewCounters() *Counters {
	return &Counters{started: time.Now(), methods: map[string]int64{}, statuses: map[int]int64{}}
}

// CountRequest counts an answer. method is one of few, for each has a counter.
func (c *Counters) CountRequest(method string, status int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests++
	c.methods[method]++
	c.statuses[status]++
}
