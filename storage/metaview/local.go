package metaview

import (
	"context"
	"iter"
	"strings"

	"settle/storage/couch"
	"settle/storage/localview"
)

// Local documents whose ids begin with hiddenPrefix are none of the ordinary view.
// Those of the metadata view stand behind metadataPrefix.
const (
	hiddenPrefix   = couch.LocalPrefix + "\x00view/"
	metadataPrefix = hiddenPrefix + "metadata/"
)

// stored returns the id that a local document is stored under; ok is false where
// the view has no such document.
func (db *Database) stored(id couch.DocID) (stored couch.DocID, ok bool) {
	if !db.metadata {
		return id, !strings.HasPrefix(string(id), hiddenPrefix)
	}
	name, ok := strings.CutPrefix(string(id), couch.LocalPrefix)
	return couch.DocID(metadataPrefix + name), ok
}

// known returns the id that the view knows a local document by; ok is false where it
// has no such document.
func (db *Database) known(stored couch.DocID) (id couch.DocID, ok bool) {
	if !db.metadata {
		return stored, !strings.HasPrefix(string(stored), hiddenPrefix)
	}
	name, ok := strings.CutPrefix(string(stored), metadataPrefix)
	return couch.DocID(couch.LocalPrefix + name), ok
}

// local returns the view's part of the local documents.
func (db *Database) local() *localview.View {
	return &localview.View{Store: db.Database, Stored: db.stored, Known: db.known, Range: db.storedRange, Foreign: errForeign}
}

// errForeign is the error of a local document that is not to be stored here.
var errForeign = couch.Errorf(couch.Forbidden, "The local document belongs to another view of the database.")

// GetLocal reads a local document. See [storage.Database.GetLocal].
func (db *Database) GetLocal(ctx context.Context, id couch.DocID) (*couch.LocalDocument, error) {
	return db.local().Get(ctx, id)
}

// PutLocal stores a local document. See [storage.Database.PutLocal]. The error is a
// Forbidden for an id that belongs to another view.
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

// storedRange returns the options that read the stored documents of a range.
func (db *Database) storedRange(o couch.AllDocsOptions) couch.AllDocsOptions {
	o.Skip, o.Limit = 0, -1
	if !db.metadata {
		return o
	}
	lowest, highest := bound(metadataPrefix), bound(hiddenPrefix+"metadata0") // the byte behind the slash
	o.Start, o.End = storedBound(o.Start), storedBound(o.End)
	first, last := &o.Start, &o.End
	if o.Descending {
		first, last = last, first
	}
	if *first == nil {
		*first = lowest
	}
	if *last == nil {
		*last = highest
	}
	return o
}

func bound(id couch.DocID) *couch.DocID { return &id }

// storedBound returns the bound of the stored ids for one of a range: what sorts
// before or behind all local documents does so too.
func storedBound(id *couch.DocID) *couch.DocID {
	if id == nil {
		return nil
	}
	name, ok := strings.CutPrefix(string(*id), couch.LocalPrefix)
	switch {
	case ok:
		return bound(couch.DocID(metadataPrefix + name))
	case *id < couch.LocalPrefix:
		return bound(metadataPrefix)
	}
	return bound(hiddenPrefix + "metadata0")
}
