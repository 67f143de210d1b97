package replicator

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"

	"settle/storage"
	"settle/storage/couch"
)

// find returns the entry of a document. Errors: NotFound.
func (d *documents) find(ctx context.Context, key docKey) (entry, error) {
	if key.id.IsDesign() {
		return entry{}, couch.ErrNotFound
	}
	db, err := d.r.Store.Database(ctx, key.database)
	if errors.Is(err, couch.ErrDatabaseMissing) {
		return entry{}, couch.ErrNotFound
	}
	if err != nil {
		return entry{}, err
	}
	doc, err := db.Get(ctx, key.id, couch.GetOptions{})
	if errors.Is(err, couch.ErrDeleted) {
		return entry{}, couch.ErrNotFound
	}
	if err != nil {
		return entry{}, err
	}
	return d.entryOf(key, doc), nil
}

// list returns the entries of a database, in order of their ids.
func (d *documents) list(ctx context.Context, database string) ([]entry, error) {
	db, err := d.r.Store.Database(ctx, database)
	if err != nil {
		return nil, err
	}
	since, entries := d.handled(db)
	for change, err := range db.Changes(ctx, couch.ChangesOptions{Since: since, IncludeDocs: true}) {
		switch {
		case err != nil:
			return nil, err
		case change.Deleted || change.Doc == nil:
			delete(entries, change.ID)
		case !change.ID.IsDesign():
			entries[change.ID] = d.entryOf(docKey{database, change.ID}, change.Doc)
		}
	}
	return slices.SortedFunc(maps.Values(entries), func(a, b entry) int { return cmp.Compare(a.key.id, b.key.id) }), nil
}

// handled returns copies of the entries of a database, and up to which change they tell.
func (d *documents) handled(db *storage.Database) (couch.Seq, map[couch.DocID]entry) {
	d.mu.Lock()
	defer d.mu.Unlock()
	entries := make(map[couch.DocID]entry)
	f := d.follows[db.Name()]
	if f == nil || f.incarnation != db.Incarnation() {
		return 0, entries
	}
	for key, e := range d.entries {
		if key.database == db.Name() {
			entries[key.id] = *e
		}
	}
	return f.since, entries
}

// entryOf returns a copy of the entry of a document as it is now. Changes are handled
// later than they are answered; one that is still to be handled tells for itself, so
// that who has written a document finds it, and nobody a state from before.
func (d *documents) entryOf(key docKey, doc *couch.Document) entry {
	d.mu.Lock()
	e := d.entries[key]
	if e != nil && e.rev == doc.Rev() {
		defer d.mu.Unlock()
		return *e
	}
	d.mu.Unlock()
	e, _, _ = d.newEntry(key, doc)
	return *e
}
