package databases

import (
	"context"
	"errors"
	"log/slog"
	"sync"

	"settle/storage/couch"
)

// compactions are those that clients have asked for and that are still running,
// at most one of a database.
type compactions struct {
	log  *slog.Logger
	ctx  context.Context
	stop context.CancelFunc
	wg   sync.WaitGroup

	mu sync.Mutex
	m  map[couch.Incarnation]bool
}

func newCompactions(log *slog.Logger) *compactions {
	c := &compactions{log: log, m: map[couch.Incarnation]bool{}}
	c.ctx, c.stop = context.WithCancel(context.Background())
	return c
}

// start compacts a database in the background, unless that is going on already.
// From when it returns running tells of it.
func (c *compactions) start(id couch.Incarnation, db Database) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.m[id] || c.ctx.Err() != nil {
		return
	}
	c.m[id] = true
	c.wg.Go(func() {
		err := db.Compact(c.ctx)
		c.mu.Lock()
		delete(c.m, id)
		c.mu.Unlock()
		if err != nil && c.ctx.Err() == nil && !errors.Is(err, couch.ErrDatabaseMissing) && !errors.Is(err, couch.ErrUnavailable) {
			c.log.Warn("a compaction ended early", "error", err)
		}
	})
}

func (c *compactions) running(id couch.Incarnation) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.m[id]
}

// close ends all and waits for them.
func (c *compactions) close() {
	c.mu.Lock()
	c.stop()
	c.mu.Unlock()
	c.wg.Wait()
}
