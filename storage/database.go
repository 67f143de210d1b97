package storage

import (
	"context"
	"sync"
	"sync/atomic"

	"settle/attachments"
	"settle/storage/autocompact"
	"settle/storage/couch"
	"settle/storage/crypt"
	"settle/storage/kv"
	"settle/storage/schema"
)

// Database is one incarnation of a database. It is safe for concurrent use and
// needs no closing; once the database is dropped every method fails with
// ErrDatabaseMissing.
type Database struct {
	store *Store
	name  string
	rec   schema.DBRecord
	key   *crypt.DatabaseKey
	blobs *attachments.Blobs

	dedup     dedup
	security  atomic.Pointer[security]
	left      autocompact.Leftovers
	ruleless  atomic.Uint64 // a DesignSeq at which no design document had a validation function
	aheadOnce sync.Once     // of the warning that a client was ahead
}

func (s *Store) newDatabase(name string, rec schema.DBRecord, key *crypt.DatabaseKey) *Database {
	return &Database{
		store: s, name: name, rec: rec, key: key,
		blobs: s.blobsOf(rec.Partition, key),
	}
}

// Database returns the database of a name. The error is ErrDatabaseMissing.
func (s *Store) Database(ctx context.Context, name string) (*Database, error) {
	rec, err := s.directory.Lookup(ctx, name)
	if err != nil {
		return nil, schema.DomainError(err)
	}
	if db := s.open.get(rec.Partition); db != nil {
		return db, nil
	}
	key, err := s.directory.Key(ctx, rec.Partition)
	if err != nil {
		return nil, schema.DomainError(err)
	}
	return s.open.put(s.newDatabase(name, rec, key)), nil
}

// Name returns the database's name.
func (db *Database) Name() string { return db.name }

// Partitioned reports whether the database was made with partitions.
func (db *Database) Partitioned() bool { return db.rec.Partitioned }

// Incarnation tells this creation of the database from others of its name.
func (db *Database) Incarnation() couch.Incarnation { return db.rec.Incarnation }

// FormatSeq prints a sequence of this database.
func (db *Database) FormatSeq(n couch.Seq) string {
	return couch.FormatSeq(n, db.rec.Incarnation)
}

// ParseSeq reads a printed sequence; last is the database's update sequence.
// See [couch.ParseSeq]. A sequence that the database has printed but not reached
// is told of in the log, once: the store was put back to an earlier state.
func (db *Database) ParseSeq(s string, last couch.Seq) (couch.Seq, error) {
	if couch.IsAhead(s, db.rec.Incarnation, last) {
		db.aheadOnce.Do(func() {
			db.store.log.Warn("a client has seen more of a database than there is: the store was put back to an earlier state, and clients start over", "database", db.name)
		})
	}
	return couch.ParseSeq(s, db.rec.Incarnation, last)
}

// Wait returns a channel that is closed after the next durable commit to the
// database, when it is dropped, and when the store ends. To miss nothing: take
// the channel, then read, then wait.
func (db *Database) Wait() <-chan struct{} { return db.store.wait(db.rec.Partition) }

// view runs fn on a durable state of the database, which has its meta row.
func (db *Database) view(ctx context.Context, fn func(kv.Reader, *schema.Meta) error) error {
	return schema.DomainError(db.store.kv.View(ctx, db.rec.Partition, func(r kv.Reader) error {
		m, err := readMeta(ctx, r)
		if err != nil {
			return err
		}
		return fn(r, m)
	}))
}

// reader is a View of the database for kv.Pages.
func (db *Database) reader(ctx context.Context, fn func(kv.Reader) error) error {
	return db.view(ctx, func(r kv.Reader, _ *schema.Meta) error { return fn(r) })
}

// update runs fn as a transaction; fn changes m, which is stored when fn
// returns nil and has changed it.
func (db *Database) update(ctx context.Context, fn func(kv.Tx, *schema.Meta) error, opts ...kv.UpdateOption) error {
	var m *schema.Meta
	var before schema.Meta
	err := db.store.kv.Update(ctx, db.rec.Partition, func(tx kv.Tx) (err error) {
		if m, err = readMeta(ctx, tx); err != nil {
			return err
		}
		before = *m
		if err := fn(tx, m); err != nil {
			return err
		}
		if *m != before {
			tx.Set(schema.MetaKey(), m.Encode())
		}
		return nil
	}, opts...)
	if err == nil {
		db.compactLater(m)
		if m.UpdateSeq > before.UpdateSeq {
			db.store.tell(DatabaseUpdated, db.name)
		}
	}
	return schema.DomainError(err)
}

func readMeta(ctx context.Context, r kv.Reader) (*schema.Meta, error) {
	row, err := kv.GetOne(ctx, r, schema.MetaKey())
	if err != nil {
		return nil, err
	}
	if row == nil {
		return nil, couch.ErrDatabaseMissing
	}
	return schema.DecodeMeta(row)
}

// handles keeps the databases that were used of late, so that their keys need
// not be unwrapped for each request.
type handles struct {
	mu      sync.Mutex
	m       map[kv.Partition]*Database
	changes atomic.Uint64 // of security objects, and of what is there
}

// maxHandles bounds handles; one costs about a kilobyte, and its security object.
const maxHandles = 4096

func (h *handles) get(p kv.Partition) *Database {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.m[p]
}

// put keeps db and returns it. Where there are too many some other one goes.
func (h *handles) put(db *Database) *Database {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.m == nil {
		h.m = make(map[kv.Partition]*Database)
	}
	for p := range h.m {
		if len(h.m) < maxHandles {
			break
		}
		delete(h.m, p)
	}
	h.m[db.rec.Partition] = db
	return db
}

func (h *handles) forget(p kv.Partition) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.m, p)
	h.changes.Add(1)
}
