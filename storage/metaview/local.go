package metaview

import (
	"context"
	"iter"
	"strings"

	"settle/storage/couch"
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

// GetLocal reads a local document of the view. See [storage.Database.GetLocal].
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

// PutLocal stores a local document of the view. See [storage.Database.PutLocal]. The
// error is a Forbidden for an id that belongs to another view.
func (db *Database) PutLocal(ctx context.Context, doc *couch.LocalDocument) (uint64, error) {
	own := *doc
	var ok bool
	if own.ID, ok = db.stored(doc.ID); !ok {
		return 0, couch.Errorf(couch.Forbidden, "The local document belongs to another view of the database.")
	}
	return db.Database.PutLocal(ctx, &own)
}

// DeleteLocal removes a local document of the view. See [storage.Database.DeleteLocal].
func (db *Database) DeleteLocal(ctx context.Context, id couch.DocID) error {
	stored, ok := db.stored(id)
	if !ok {
		return couch.ErrNotFound
	}
	return db.Database.DeleteLocal(ctx, stored)
}

// LocalDocs lists the local documents of the view. See [storage.Database.LocalDocs].
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
			id, ok := db.known(doc.ID)
			if !ok {
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
