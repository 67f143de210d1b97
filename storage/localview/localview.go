// Package localview shows some of a database's local documents under names of their own:
// those of one reader, or of one view of the database.
package localview

import (
	"context"
	"iter"

	"settle/storage/couch"
)

// Store has local documents. See the methods of storage.Database.
type Store interface {
	GetLocal(ctx context.Context, id couch.DocID) (*couch.LocalDocument, error)
	PutLocal(ctx context.Context, doc *couch.LocalDocument) (uint64, error)
	DeleteLocal(ctx context.Context, id couch.DocID) error
	LocalDocs(ctx context.Context, o couch.AllDocsOptions) iter.Seq2[*couch.LocalDocument, error]
}

// View is a part of a Store's local documents. All but Within must be set.
type View struct {
	Store Store
	// Stored returns the id that a document is stored under; ok is false where the
	// view has no such document.
	Stored func(id couch.DocID) (stored couch.DocID, ok bool)
	// Known is the reverse of Stored.
	Known func(stored couch.DocID) (id couch.DocID, ok bool)
	// Range returns the options that read at least the stored documents of a range,
	// all of them.
	Range func(o couch.AllDocsOptions) couch.AllDocsOptions
	// Within reports whether an id is in the range that options choose. Nil: Range
	// reads no other.
	Within func(id couch.DocID, o couch.AllDocsOptions) bool
	// Foreign is the error of a document that the view cannot have.
	Foreign error
}

// Get reads a local document. The error is ErrNotFound, also of one that the view does
// not have, or the Store's.
func (v *View) Get(ctx context.Context, id couch.DocID) (*couch.LocalDocument, error) {
	stored, ok := v.Stored(id)
	if !ok {
		return nil, couch.ErrNotFound
	}
	doc, err := v.Store.GetLocal(ctx, stored)
	if err != nil {
		return nil, err
	}
	own := *doc
	own.ID = id
	return &own, nil
}

// Put stores a local document. The error is Foreign, or the Store's.
func (v *View) Put(ctx context.Context, doc *couch.LocalDocument) (uint64, error) {
	own := *doc
	var ok bool
	if own.ID, ok = v.Stored(doc.ID); !ok {
		return 0, v.Foreign
	}
	return v.Store.PutLocal(ctx, &own)
}

// Delete removes a local document. The error is that of Get.
func (v *View) Delete(ctx context.Context, id couch.DocID) error {
	stored, ok := v.Stored(id)
	if !ok {
		return couch.ErrNotFound
	}
	return v.Store.DeleteLocal(ctx, stored)
}

// All lists the local documents of the view that options choose.
func (v *View) All(ctx context.Context, o couch.AllDocsOptions) iter.Seq2[*couch.LocalDocument, error] {
	return func(yield func(*couch.LocalDocument, error) bool) {
		skip, left := o.Skip, o.Limit
		if left == 0 {
			return
		}
		for doc, err := range v.Store.LocalDocs(ctx, v.Range(o)) {
			if err != nil {
				yield(nil, err)
				return
			}
			id, ok := v.Known(doc.ID)
			if !ok || v.Within != nil && !v.Within(id, o) {
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
