package edits

import (
	"context"
	"sync"

	"settle/storage/kv"
)

// rulesInMemory bounds the rules that are kept for later batches, in bytes.
const rulesInMemory = 32 << 20

// RulesCache keeps the rules of the databases that have any, by their partitions. The
// zero value is empty. It is safe for concurrent use.
type RulesCache struct {
	mu   sync.Mutex
	m    map[kv.Partition]cachedRules
	size int
}

type cachedRules struct {
	Rules
	size int
}

// Get returns the rules of a database; ok is false where there are none.
func (c *RulesCache) Get(p kv.Partition) (r Rules, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	found, ok := c.m[p]
	return found.Rules, ok
}

// Put keeps the rules of a database in place of others; size is what they take, in
// bytes. Where there are too many some other ones go.
func (c *RulesCache) Put(p kv.Partition, r Rules, size int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.m == nil {
		c.m = make(map[kv.Partition]cachedRules)
	}
	c.remove(p)
	for other := range c.m {
		if c.size+size <= rulesInMemory {
			break
		}
		c.remove(other)
	}
	c.m[p] = cachedRules{r, size}
	c.size += size
}

// Forget drops the rules of a database.
func (c *RulesCache) Forget(p kv.Partition) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.remove(p)
}

func (c *RulesCache) remove(p kv.Partition) {
	c.size -= c.m[p].size
	delete(c.m, p)
}

// AllOf returns a judge that asks one after the other; nil where there is none.
func AllOf(all []Judge) Judge {
	if len(all) < 2 {
		for _, only := range all {
			return only
		}
		return nil
	}
	return func(ctx context.Context, u Update) (refusal, err error) {
		for _, judge := range all {
			if refusal, err = judge(ctx, u); refusal != nil || err != nil {
				break
			}
		}
		return refusal, err
	}
}
