package access

import (
	"context"
	"encoding/base64"
	"iter"
	"strings"

	"settle/server/auth"
	"settle/storage/couch"
)

// ownPrefix begins the names of readers' local documents. Behind it stand the
// reader's name, in base64url, a slash, and the name that the reader knows.
const ownPrefix = couch.LocalPrefix + "\x00reader/"

// ownRange is what the ids of one reader's documents begin with.
func (db *Database) ownRange() string {
	return ownPrefix + base64.RawURLEncoding.EncodeToString([]byte(db.user.Name)) + "/"
}

// stored returns the id that a local document is stored under; ok is false where
// the user has no such document.
func (db *Database) stored(id couch.DocID) (stored couch.DocID, ok bool) {
	if db.role > auth.Reader {
		return id, !strings.HasPrefix(string(id), ownPrefix)
	}
	name, ok := strings.CutPrefix(string(id), couch.LocalPrefix)
	return couch.DocID(db.ownRange() + name), ok && db.user.Name != ""
}

// shown returns the id that the user knows a local document by; ok is false where
// it is not the user's.
func (db *Database) shown(stored couch.DocID) (id couch.DocID, ok bool) {
	if db.role > auth.Reader {
		return stored, !strings.HasPrefix(string(stored), ownPrefix)
	}
	name, ok := strings.CutPrefix(string(stored), db.ownRange())
	return couch.DocID(couch.LocalPrefix + name), ok
}

// GetLocal reads a local document. See [storage.Database.GetLocal].
func (db *Database) GetLocal(ctx context.Context, id couch.DocID) (*couch.LocalDocument, error) {
	stored, ok := db.stored(id)
	if !ok {
		return nil, couch.ErrNotFound
	}
	doc, err := db.Database.GetLocal(ctx, stored)
	if err != nil {
		return nil, err
	}
	own := *doc
	own.ID = id
	return &own, nil
}

// PutLocal stores a local document. See [storage.Database.PutLocal]. The error is
// a Forbidden for an id that belongs to readers.
func (db *Database) PutLocal(ctx context.Context, doc *couch.LocalDocument) (uint64, error) {
	own := *doc
	var ok bool
	if own.ID, ok = db.stored(doc.ID); !ok {
		return 0, couch.Errorf(couch.Forbidden, "The local document belongs to somebody else.")
	}
	return db.Database.PutLocal(ctx, &own)
}

// DeleteLocal removes a local document. See [storage.Database.DeleteLocal].
func (db *Database) DeleteLocal(ctx context.Context, id couch.DocID) error {
	stored, ok := db.stored(id)
	if !ok {
		return couch.ErrNotFound
	}
	return db.Database.DeleteLocal(ctx, stored)
}

// LocalDocs lists the user's local documents. See [storage.Database.LocalDocs].
func (db *Database) LocalDocs(ctx context.Context, o couch.AllDocsOptions) iter.Seq2[*couch.LocalDocument, error] {
	return func(yield func(*couch.LocalDocument, error) bool) {
		skip, left := o.Skip, o.Limit
		if left == 0 {
			return
		}
		for doc, err := range db.Database.LocalDocs(ctx, db.storedRange(o)) {
			if err != nil {
				yield(nil, err)
				return
			}
			id, ok := db.shown(doc.ID)
			if !ok || !within(id, o) {
				continue
			}
			if skip > 0 {
				skip--
				continue
			}
			doc.ID = id
			if !yield(doc, nil) {
				return
			}
			if left--; left == 0 {
				return
			}
		}
	}
}

// storedRange returns the options that read at least the user's documents of a
// range, all of them.
func (db *Database) storedRange(o couch.AllDocsOptions) couch.AllDocsOptions {
	o.Skip, o.Limit = 0, -1
	if db.role > auth.Reader {
		return o
	}
	first := couch.DocID(db.ownRange())
	last := first[:len(first)-1] + "0" // the byte behind the slash
	o.Start, o.End, o.ExclusiveEnd = &first, &last, false
	if o.Descending {
		o.Start, o.End = &last, &first
	}
	return o
}

// within reports whether an id is in the range that the options choose.
func within(id couch.DocID, o couch.AllDocsOptions) bool {
	order := 1
	if o.Descending {
		order = -1
	}
	if o.Start != nil && order*strings.Compare(string(id), string(*o.Start)) < 0 {
		return false
	}
	if o.End == nil {
		return true
	}
	c := order * strings.Compare(string(id), string(*o.End))
	return c < 0 || c == 0 && !o.ExclusiveEnd
}
