package access

import (
	"context"
	"encoding/base64"
	"iter"
	"strings"

	"settle/server/auth"
	"settle/storage/couch"
	"settle/storage/localview"
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

// local returns the view's part of the local documents.
func (db *Database) local() *localview.View {
	return &localview.View{Store: db.Database, Stored: db.stored, Known: db.shown, Range: db.storedRange, Within: within, Foreign: errForeign}
}

// errForeign is the error of a local document that is not to be stored here.
var errForeign = couch.Errorf(couch.Forbidden, "The local document belongs to somebody else.")

// GetLocal reads a local document. See [storage.Database.GetLocal].
func (db *Database) GetLocal(ctx context.Context, id couch.DocID) (*couch.LocalDocument, error) {
	return db.local().Get(ctx, id)
}

// PutLocal stores a local document. See [storage.Database.PutLocal]. The error is a
// Forbidden for an id that belongs to readers.
func (db *Database) PutLocal(ctx context.Context, doc *couch.LocalDocument) (uint64, error) {
	return db.local().Put(ctx, doc)
}

// DeleteLocal removes a local document. See [storage.Database.DeleteLocal].
func (db *Database) DeleteLocal(ctx context.Context, id couch.DocID) error {
	return db.local().Delete(ctx, id)
}

// LocalDocs lists local documents. See [storage.Database.LocalDocs].
func (db *Database) LocalDocs(ctx context.Context, o couch.AllDocsOptions) iter.Seq2[*couch.LocalDocument, error] {
	return db.local().All(ctx, o)
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
