package storage

import (
	"context"
	"sync"

	"settle/storage/couch"
	"settle/storage/edits"
	"settle/storage/kv"
	"settle/storage/schema"
)

// Validator judges what is written by what the design documents of its database say.
// It is called outside of transactions; what it has said is checked again inside.
type Validator interface {
	// CheckDesign says why a design document is refused; nil: it is not. An err, the
	// context's, ends the batch.
	CheckDesign(ctx context.Context, d *couch.Document) (refusal, err error)
	// Rules returns what the validation function of a design document demands of the
	// other documents of a database; nil where it has none. size is what that takes in
	// memory, in bytes.
	Rules(database string, d *couch.Document) (judge edits.Judge, size int)
}

// rulesInMemory bounds the rules that are kept for later batches, in bytes.
const rulesInMemory = 32 << 20

// rulesCache keeps the rules of the databases that have any.
type rulesCache struct {
	mu   sync.Mutex
	m    map[kv.Partition]cachedRules
	size int
}

type cachedRules struct {
	edits.Rules
	size int
}

func (c *rulesCache) get(p kv.Partition) (edits.Rules, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	found, ok := c.m[p]
	return found.Rules, ok
}

// put keeps the rules of a partition in place of others. Where there are too many some
// other ones go.
func (c *rulesCache) put(p kv.Partition, r cachedRules) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.m == nil {
		c.m = make(map[kv.Partition]cachedRules)
	}
	c.remove(p)
	for other := range c.m {
		if c.size+r.size <= rulesInMemory {
			break
		}
		c.remove(other)
	}
	c.m[p] = r
	c.size += r.size
}

func (c *rulesCache) forget(p kv.Partition) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.remove(p)
}

func (c *rulesCache) remove(p kv.Partition) {
	c.size -= c.m[p].size
	delete(c.m, p)
}

// validation returns the rules of the database: where anew is false perhaps old ones,
// which a transaction finds out by their DesignSeq.
func (db *Database) validation(ctx context.Context, anew bool) (edits.Rules, error) {
	if !anew {
		if r, ok := db.store.rules.get(db.rec.Partition); ok {
			return r, nil
		}
		return edits.Rules{DesignSeq: couch.Seq(db.ruleless.Load())}, nil
	}
	for {
		r, err := db.readRules(ctx)
		if err != nil {
			return edits.Rules{}, err
		}
		after, err := db.designSeq(ctx)
		if err != nil {
			return edits.Rules{}, err
		}
		if after == r.DesignSeq {
			db.keepRules(r)
			return r.Rules, nil
		}
	}
}

// readRules reads the design documents, which may change meanwhile.
func (db *Database) readRules(ctx context.Context) (cachedRules, error) {
	seq, err := db.designSeq(ctx)
	if err != nil {
		return cachedRules{}, err
	}
	first, last := couch.DocID(couch.DesignPrefix), couch.DocID("_design0") // the byte behind the slash
	o := couch.AllDocsOptions{Start: &first, End: &last, ExclusiveEnd: true, Limit: -1, IncludeDocs: true}
	var all []edits.Judge
	size := 0
	for row, err := range db.AllDocs(ctx, o) {
		if err != nil {
			return cachedRules{}, err
		}
		if row.Doc == nil {
			continue
		}
		if judge, n := db.store.judge.Rules(db.name, row.Doc); judge != nil {
			all = append(all, judge)
			size += n
		}
	}
	return cachedRules{edits.Rules{DesignSeq: seq, Judge: allOf(all)}, size}, nil
}

// allOf asks one judge after the other.
func allOf(all []edits.Judge) edits.Judge {
	if len(all) < 2 {
		for _, only := range all {
			return only
		}
		return nil
	}
	return func(ctx context.Context, u edits.Update) (refusal, err error) {
		for _, judge := range all {
			if refusal, err = judge(ctx, u); refusal != nil || err != nil {
				break
			}
		}
		return refusal, err
	}
}

func (db *Database) keepRules(r cachedRules) {
	if r.Judge != nil {
		db.store.rules.put(db.rec.Partition, r)
		return
	}
	db.store.rules.forget(db.rec.Partition)
	db.ruleless.Store(uint64(r.DesignSeq))
}

func (db *Database) designSeq(ctx context.Context) (seq couch.Seq, err error) {
	err = db.view(ctx, func(_ kv.Reader, m *schema.Meta) error {
		seq = m.DesignSeq
		return nil
	})
	return seq, err
}
