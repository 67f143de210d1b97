package storage

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"settle/storage/couch"
	"settle/storage/kv"
	"settle/storage/schema"
)

// AutoCompaction says when databases are compacted by themselves, one at a time
// and with pauses: when what superseded revisions hold of a database is both so
// many bytes and such a part of all that is stored.
type AutoCompaction struct {
	MinBytes   int64         // 0: 1 MiB, as CouchDB's `min_size`; negative: never
	MinPercent int           // 0: 50, as CouchDB's `min_priority` of 2
	Rest       time.Duration // between two compactions of a database; 0: a minute
}

func (o AutoCompaction) withDefaults() AutoCompaction {
	if o.MinBytes == 0 {
		o.MinBytes = 1 << 20
	}
	if o.MinPercent == 0 {
		o.MinPercent = 50
	}
	if o.Rest == 0 {
		o.Rest = time.Minute
	}
	return o
}

// wants says whether a database is to be compacted, of which so many bytes of garbage
// cannot be removed yet.
func (o AutoCompaction) wants(m *schema.Meta, left int64) bool {
	all := m.BodyBytes + m.BlobBytes
	n := m.Garbage() - left
	return o.MinBytes > 0 && n >= o.MinBytes && n >= (all-left)/100*int64(o.MinPercent)
}

// leftovers is what the last compaction of a database had to leave, because it is
// kept for a while. It is safe for concurrent use; the zero value is none.
type leftovers struct{ bytes, until atomic.Int64 }

// leftFor is how long nobody looks again whether leftovers can go by now.
const leftFor = 24 * time.Hour

func (l *leftovers) note(bytes int64, now time.Time) {
	l.bytes.Store(bytes)
	l.until.Store(now.Add(leftFor).Unix())
}

func (l *leftovers) at(now time.Time) int64 {
	if now.Unix() >= l.until.Load() {
		return 0
	}
	return l.bytes.Load()
}

func (db *Database) wantsCompaction(m *schema.Meta) bool {
	return db.store.auto.wants(m, db.left.at(db.store.now()))
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
