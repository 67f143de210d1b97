package storage

import (
	"context"
	"time"

	"settle/storage/background"
	"settle/storage/couch"
	"settle/storage/deferred"
	"settle/storage/edits"
	"settle/storage/kv"
	"settle/storage/schema"
)

// DefaultKeepAncestors is how long attachments of superseded revisions are kept,
// unless SetKeepAncestors says otherwise.
const DefaultKeepAncestors = 30 * 24 * time.Hour

// SetKeepAncestors says for how long, from when another revision was put on top of
// one, compaction keeps its attachments, so that edits of it may still refer to them
// by their digests (see couch.Attachment). It is exact to the hour, upwards; 0 keeps
// none. It takes effect with the next compaction.
func (s *Store) SetKeepAncestors(d time.Duration) { s.keep.Store(int64(d)) }

// Compact removes the bodies of all revisions that are no leaves, of those that were
// superseded long ago the attachments too, and the contents that only they used, and
// gives the space back. Writers wait for one document at a time. It may be cut short
// at any place and run again. Where a run is under way Compact lets that one finish,
// then begins its own.
func (db *Database) Compact(ctx context.Context) error {
	for {
		task, mine := db.beginCompaction()
		if mine {
			defer task.End()
			task.Hurry()
			return db.compact(ctx, task)
		}
		task.Hurry()
		select {
		case <-task.Ended():
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (db *Database) beginCompaction() (task *background.Task, mine bool) {
	return db.store.tasks.Begin(db.rec.Partition, couch.Task{Type: couch.TaskCompaction, Database: db.name})
}

// compaction is one run.
type compaction struct {
	db      *Database
	task    *background.Task
	done    int64          // documents
	total   int64          // documents at the beginning
	left    int64          // garbage of the beginning that is not removed
	unused  []couch.BlobID // whose records are removed, maybe not durably
	resumed time.Time      // when the last pause ended

	keepFrom couch.Seq // see edits.KeepFrom
}

// compact works until it is done, with pauses unless the task is in a hurry.
func (db *Database) compact(ctx context.Context, task *background.Task) error {
	c := &compaction{db: db, task: task, resumed: time.Now()}
	defer func() { _ = c.removeFiles(context.WithoutCancel(ctx)) }() // where it ends early
	if err := c.begin(ctx); err != nil {
		return err
	}
	for row, err := range kv.Pages(ctx, db.reader, schema.All(schema.KindDoc)) {
		if err != nil {
			return err
		}
		if err := c.visit(ctx, row); err != nil {
			return err
		}
	}
	if err := c.end(ctx); err != nil {
		return err
	}
	if c, ok := db.store.kv.(kv.Compacter); ok {
		return schema.DomainError(c.Compact(ctx, db.rec.Partition))
	}
	return nil
}

// begin finds out how much there is to do.
func (c *compaction) begin(ctx context.Context) error {
	keep, now := time.Duration(c.db.store.keep.Load()), c.db.store.now()
	return c.db.update(ctx, func(tx kv.Tx, m *schema.Meta) (err error) {
		c.total, c.left = m.DocCount+m.DeletedCount, m.Garbage()
		c.keepFrom, err = edits.KeepFrom(ctx, tx, m.UpdateSeq, keep, now)
		if err == nil {
			edits.ForgetHours(tx, keep, now)
		}
		return err
	}, kv.Freeing, kv.Lazy)
}

// end removes the last files, and remembers what the compaction had to leave. What was
// superseded while it ran is none of that: the next one may remove it.
func (c *compaction) end(ctx context.Context) error {
	if err := c.removeFiles(ctx); err != nil {
		return err
	}
	if err := deferred.DropOrigins(ctx, c.db.deferring()); err != nil {
		return err
	}
	return c.db.view(ctx, func(_ kv.Reader, m *schema.Meta) error {
		c.db.left.Note(min(c.left, m.Garbage()), c.db.store.now())
		return nil
	})
}

// A compaction looks up so many documents, or removes so many contents, before it
// does something else.
const (
	visitsAtOnce = 1000
	filesAtOnce  = 100
)

// visit does what is to be done for one document.
func (c *compaction) visit(ctx context.Context, row kv.KV) error {
	doc, err := schema.DecodeDocRow(row.Value)
	if err != nil {
		return err
	}
	wasteful := len(edits.Superseded(doc, c.keepFrom)) > 0
	if wasteful {
		if err := c.compactDoc(ctx, couch.DocID(row.Key[1:])); err != nil {
			return err
		}
	}
	c.done++
	c.task.Progress(c.done, max(c.done, c.total))
	if len(c.unused) >= filesAtOnce {
		if err := c.removeFiles(ctx); err != nil {
			return err
		}
	}
	if wasteful || c.done%visitsAtOnce == 0 {
		return c.pause(ctx)
	}
	return nil
}

// longestPause bounds how long a compaction rests at a time.
const longestPause = 100 * time.Millisecond

// pause rests for as long as was worked since the last pause.
func (c *compaction) pause(ctx context.Context) error {
	err := c.task.Pause(ctx, min(time.Since(c.resumed), longestPause))
	c.resumed = time.Now()
	return err
}

// compactDoc removes what is superseded of one document. Nobody waits for the
// disk: what a crash takes back the next compaction does again.
func (c *compaction) compactDoc(ctx context.Context, id couch.DocID) error {
	var w *edits.Writer
	var before, after int64
	err := c.db.update(ctx, func(tx kv.Tx, m *schema.Meta) error {
		w, before = edits.NewWriter(c.db.contents(), tx, m), m.Garbage()
		defer func() { after = m.Garbage() }()
		return w.Compact(ctx, id, c.keepFrom)
	}, kv.Freeing, kv.Lazy)
	if err == nil {
		c.left -= before - after
		c.unused = append(c.unused, w.Removed()...)
	}
	return err
}

// removeFiles removes the files of contents, once it is durable that their
// records are gone, which a view shows.
func (c *compaction) removeFiles(ctx context.Context) error {
	if len(c.unused) == 0 {
		return nil
	}
	if err := c.db.reader(ctx, func(kv.Reader) error { return nil }); err != nil {
		return err
	}
	c.db.removeFiles(c.unused)
	c.unused = nil
	return nil
}
