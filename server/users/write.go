package users

import (
	"context"
	"encoding/json"
	"iter"

	"settle/server/access"
	"settle/server/auth"
	"settle/storage/couch"
)

var errReplicated = &couch.Error{Kind: couch.Forbidden, Reason: "Only administrators may replicate into the users database."}

// BulkDocs makes interactive edits. See [storage.Database.BulkDocs]. A password
// is hashed first; documents that the user may not write, or that are no users'
// documents, are refused one by one.
func (db *Database) BulkDocs(ctx context.Context, docs iter.Seq2[*couch.Document, error]) ([]couch.WriteResult, error) {
	return access.Write(ctx, docs, db.Database.BulkDocs, db.prepareEdit)
}

// PutRevs stores revisions that another server has. See
// [storage.Database.PutRevs]. Only administrators may: whoever could choose
// revisions could put one beside, or on top of, another's document.
func (db *Database) PutRevs(ctx context.Context, docs iter.Seq2[*couch.Document, error]) ([]couch.WriteResult, error) {
	return access.Write(ctx, docs, db.Database.PutRevs, db.prepareReplicated)
}

// prepareEdit returns the document to store for one that a client writes.
func (db *Database) prepareEdit(ctx context.Context, doc *couch.Document) (*couch.Document, error) {
	if err := db.judgeEdit(ctx, doc); err != nil {
		return nil, err
	}
	return db.hashed(ctx, doc)
}

// prepareReplicated returns the document to store for one that another server has.
func (db *Database) prepareReplicated(ctx context.Context, doc *couch.Document) (*couch.Document, error) {
	if err := db.judgeReplicated(ctx, doc); err != nil {
		return nil, err
	}
	return db.hashed(ctx, doc)
}

// judgeEdit says why a document that a client writes is refused.
func (db *Database) judgeEdit(ctx context.Context, doc *couch.Document) error {
	if !db.by.isAdmin() && !db.by.owns(doc.ID) && db.by.User.Name != "" {
		return couch.ErrNotFound
	}
	if doc.ID.IsDesign() {
		return db.by.Role.Demand(auth.Admin, db.by.User)
	}
	old, err := db.replaced(ctx, doc)
	if err != nil {
		return err
	}
	return db.validate(doc, old)
}

// judgeReplicated says why a document that another server has is refused.
func (db *Database) judgeReplicated(ctx context.Context, doc *couch.Document) error {
	if !db.by.isAdmin() {
		return errReplicated
	}
	if doc.ID.IsDesign() {
		return nil
	}
	var old members
	if len(doc.Revisions.Hashes) > 1 {
		parent, err := db.Database.Get(ctx, doc.ID, couch.GetOptions{Rev: doc.Revisions.Rev(1)})
		if err != nil && unlessMissing(err) != nil {
			return err
		}
		if err == nil && !parent.Deleted {
			if old, err = parseMembers(parent.Body); err != nil {
				return err
			}
		}
	}
	return db.validate(doc, old)
}

// replaced returns what an edit replaces, nil where there is nothing. Whether the
// edit's revision is still a leaf is for the store to say; what it surely refuses
// is an ErrConflict here, before anything costly.
func (db *Database) replaced(ctx context.Context, doc *couch.Document) (members, error) {
	base := doc.Rev()
	current, err := db.Database.Get(ctx, doc.ID, couch.GetOptions{Rev: base})
	switch {
	case err == nil && base.IsZero():
		return nil, couch.ErrConflict
	case err == nil && current.Deleted:
		return nil, nil
	case err == nil:
		return parseMembers(current.Body)
	}
	return nil, unlessMissing(err)
}

// validate checks a document against what it replaces.
func (db *Database) validate(doc *couch.Document, old members) error {
	m, err := parseMembers(doc.Body)
	if err != nil {
		return err
	}
	return edit{id: doc.ID, deleted: doc.Deleted, doc: m, old: old}.validate(db.by)
}

// hashed returns a document with its password hashed. A design document has none.
func (db *Database) hashed(ctx context.Context, doc *couch.Document) (*couch.Document, error) {
	if doc.ID.IsDesign() {
		return doc, nil
	}
	m, err := parseMembers(doc.Body)
	if err != nil {
		return nil, err
	}
	raw, ok := m["password"]
	if !ok || string(raw) == "null" {
		return doc, nil
	}
	var password string
	if json.Unmarshal(raw, &password) != nil {
		return nil, forbidden("The password must be a string.")
	}
	hash, err := db.hasher.Hash(ctx, password)
	if err != nil {
		return nil, err
	}
	hashed := *doc
	hashed.Body, err = withHash(doc.Body, hash)
	return &hashed, err
}

// only is a batch of one document.
func only(doc *couch.Document) iter.Seq2[*couch.Document, error] {
	return func(yield func(*couch.Document, error) bool) { yield(doc, nil) }
}
