package users

import (
	"context"
	"iter"

	"settle/server/auth"
	"settle/storage/couch"
	"settle/storage/metaview"
)

// Database is `_users` as one user sees it. It has the methods of the database
// that it stands on; those that are not declared here show no user's document.
//
// What it refuses:
//   - To read: another's document is an ErrNotFound, unless some of its members
//     are public; a design document is a Forbidden.
//   - To write: another's document is an ErrNotFound for somebody who is logged
//     in. Anonymous may sign up.
//   - To list, or to follow changes: an Unauthorized.
//
// Administrators may do all of that.
type Database struct {
	*metaview.Database
	by     Access
	policy Policy
	hasher Hasher
}

// NewDatabase returns db, which must be `_users`, as a user sees it.
func NewDatabase(db *metaview.Database, by Access, policy Policy, hasher Hasher) *Database {
	return &Database{Database: db, by: by, policy: policy, hasher: hasher}
}

var (
	errDesign   = &couch.Error{Kind: couch.Forbidden, Reason: "Only administrators can view design docs in the users database."}
	errSecurity = &couch.Error{Kind: couch.Forbidden, Reason: "You can't edit the security object of the user database."}
	errDelivery = &couch.Error{Kind: couch.Forbidden, Reason: "Nothing is delivered into the users database."}
	errNotAdmin = &couch.Error{Kind: couch.Unauthorized, Reason: "You are not a server admin."}
)

// SetSecurity stores a security object, where the configuration allows it. The
// error is a Forbidden.
func (db *Database) SetSecurity(ctx context.Context, text []byte) error {
	if !db.policy.SecurityEditable {
		return errSecurity
	}
	if !db.by.isAdmin() {
		return auth.None.Demand(auth.Admin, db.by.User)
	}
	return db.Database.SetSecurity(ctx, text)
}

// SetMetadataOptions stores the options of the metadata view, for administrators.
func (db *Database) SetMetadataOptions(ctx context.Context, o metaview.Options) error {
	if !db.by.isAdmin() {
		return auth.None.Demand(auth.Admin, db.by.User)
	}
	return db.Database.SetMetadataOptions(ctx, o)
}

// MayRead returns nil where the user may see a document, or a part of it.
func (db *Database) MayRead(id couch.DocID) error {
	switch {
	case db.by.isAdmin():
		return nil
	case id.IsDesign():
		return errDesign
	case db.by.owns(id) || len(db.policy.PublicFields) > 0:
		return nil
	}
	return couch.ErrNotFound
}

// Get reads a document. See [storage.Database.Get].
func (db *Database) Get(ctx context.Context, id couch.DocID, o couch.GetOptions) (*couch.Document, error) {
	if err := db.MayRead(id); err != nil {
		return nil, err
	}
	doc, err := db.Database.Get(ctx, id, o)
	if err != nil {
		return nil, err
	}
	return db.shown(doc)
}

// shown returns what the user may see of a document. The error is an ErrNotFound
// where that is nothing.
func (db *Database) shown(doc *couch.Document) (*couch.Document, error) {
	if db.by.isAdmin() || db.by.owns(doc.ID) {
		return doc, nil
	}
	if err := db.MayRead(doc.ID); err != nil {
		return nil, err
	}
	body, err := withOnly(doc.Body, db.policy.PublicFields)
	if err != nil {
		return nil, err
	}
	if len(body.Text) == len("{}") {
		return nil, couch.ErrNotFound
	}
	part := *doc
	part.Body, part.Attachments = body, nil
	return &part, nil
}

// OpenRevs reads several revisions. See [storage.Database.OpenRevs]. Those that
// the user may not see are missing.
func (db *Database) OpenRevs(ctx context.Context, id couch.DocID, o couch.OpenRevsOptions, g couch.GetOptions) ([]couch.OpenRev, error) {
	if err := db.MayRead(id); err != nil {
		return nil, err
	}
	revs, err := db.Database.OpenRevs(ctx, id, o, g)
	for i, rev := range revs {
		if rev.Doc == nil {
			continue
		}
		doc, err := db.shown(rev.Doc)
		if err != nil {
			revs[i] = couch.OpenRev{Rev: rev.Doc.Rev()}
			continue
		}
		revs[i].Doc = doc
	}
	return revs, err
}

// RevsDiff says which revisions are missing. See [storage.Database.RevsDiff].
// Of another's document all are.
func (db *Database) RevsDiff(ctx context.Context, asks []couch.RevsAsk) ([]couch.RevsDiff, error) {
	if db.by.isAdmin() {
		return db.Database.RevsDiff(ctx, asks)
	}
	var own []couch.RevsAsk
	var diffs []couch.RevsDiff
	for _, ask := range asks {
		if db.by.owns(ask.ID) {
			own = append(own, ask)
		} else {
			diffs = append(diffs, couch.RevsDiff{ID: ask.ID, Missing: ask.Revs})
		}
	}
	known, err := db.Database.RevsDiff(ctx, own)
	return append(diffs, known...), err
}

// AllDocs lists the documents, for administrators.
func (db *Database) AllDocs(ctx context.Context, o couch.AllDocsOptions) iter.Seq2[couch.AllDocsRow, error] {
	return guarded(db, db.Database.AllDocs(ctx, o))
}

// AllDocsByID lists documents, for administrators.
func (db *Database) AllDocsByID(ctx context.Context, ids []couch.DocID, o couch.AllDocsOptions) iter.Seq2[couch.AllDocsRow, error] {
	return guarded(db, db.Database.AllDocsByID(ctx, ids, o))
}

// LocalDocs lists the local documents, for administrators.
func (db *Database) LocalDocs(ctx context.Context, o couch.AllDocsOptions) iter.Seq2[*couch.LocalDocument, error] {
	return guarded(db, db.Database.LocalDocs(ctx, o))
}

// Changes follows the changes, for administrators.
func (db *Database) Changes(ctx context.Context, o couch.ChangesOptions) iter.Seq2[couch.Change, error] {
	return guarded(db, db.Database.Changes(ctx, o))
}

// guarded yields rows to administrators, and a refusal to others.
func guarded[T any](db *Database, rows iter.Seq2[T, error]) iter.Seq2[T, error] {
	if db.by.isAdmin() {
		return rows
	}
	return func(yield func(T, error) bool) {
		var none T
		yield(none, errNotAdmin)
	}
}

// Deliver refuses every delivery: whoever delivers chooses nothing of an account.
func (db *Database) Deliver(context.Context, couch.Delivery) (couch.Delivered, error) {
	return couch.Delivered{}, errDelivery
}
