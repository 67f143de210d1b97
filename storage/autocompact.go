package storage

import (
	"context"
	"errors"

	"settle/storage/autocompact"
	"settle/storage/couch"
	"settle/storage/kv"
	"settle/storage/schema"
)

// AutoCompaction says when databases are compacted by themselves.
type AutoCompaction = autocompact.Policy

func (db *Database) wantsCompaction(m *schema.Meta) bool {
	return db.store.auto.Wants(m, db.left.At(db.store.now()))
}

// compactLater lets a database be compacted in the background where m, which a
// commit has just stored, says that it is worth it.
func (db *Database) compactLater(m *schema.Meta) {
	if db.wantsCompaction(m) {
		db.store.queue.Add(db.rec.Partition, db.compactIfWanted)
	}
}

// compactIfWanted is a job of the queue. Its error has been logged.
func (db *Database) compactIfWanted(ctx context.Context) error {
	var wanted bool
	err := db.view(ctx, func(_ kv.Reader, m *schema.Meta) error {
		wanted = db.wantsCompaction(m)
		return nil
	})
	if err == nil && wanted {
		task, mine := db.beginCompaction()
		if !mine {
			return nil
		}
		err = db.compact(ctx, task)
		task.End()
	}
	if err != nil && ctx.Err() == nil && !errors.Is(err, couch.ErrDatabaseMissing) {
		db.store.warn(ctx, "an automatic compaction ended early", err)
		return err
	}
	return nil
}

// Tasks returns the work that goes on in the background, in the order in which
// it began.
func (s *Store) Tasks() []couch.Task { return s.tasks.List() }
