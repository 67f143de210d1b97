// Package access shows a database to somebody who is no administrator of the
// server, within what the database's security object allows.
//
// Members may write documents, but not design documents. Readers may write
// neither, and keep local documents all the same, so that a replication from the
// database resumes where it stopped. They are the reader's own: neither other
// readers nor the members of the database see them.
package access

import (
	"context"
	"iter"

	"settle/server/auth"
	"settle/storage/couch"
	"settle/storage/metaview"
)

// Database is a database as a reader or a member sees it. It has the methods of
// the database that it stands on.
type Database struct {
	*metaview.Database
	user couch.UserCtx
	role auth.Role
}

// NewDatabase returns db as a user of a role sees it, who is named where the role
// is Reader.
func NewDatabase(db *metaview.Database, user couch.UserCtx, role auth.Role) *Database {
	return &Database{Database: db, user: user, role: role}
}

// PutOrigin stores how an origin of deferred contents is reached. See
// [storage.Database.PutOrigin]. The error is a Forbidden for readers.
func (db *Database) PutOrigin(ctx context.Context, id couch.OriginID, text []byte) (row []byte, err error) {
	if db.role <= auth.Reader {
		return nil, couch.Errorf(couch.Forbidden, "You are not allowed to write to this db.")
	}
	return db.Database.PutOrigin(ctx, id, text)
}

// BulkDocs makes interactive edits. See [storage.Database.BulkDocs]. Documents
// that the user may not write are refused one by one.
func (db *Database) BulkDocs(ctx context.Context, docs iter.Seq2[*couch.Document, error]) ([]couch.WriteResult, error) {
	return Write(ctx, docs, db.Database.BulkDocs, db.mayWrite)
}

// PutRevs stores revisions that another server has. See
// [storage.Database.PutRevs]. Documents that the user may not write are refused
// one by one.
func (db *Database) PutRevs(ctx context.Context, docs iter.Seq2[*couch.Document, error]) ([]couch.WriteResult, error) {
	return Write(ctx, docs, db.Database.PutRevs, db.mayWrite)
}

// Bulk makes edits of either kind. See [storage.Database.Bulk]. Documents that the
// user may not write are refused one by one.
func (db *Database) Bulk(ctx context.Context, docs iter.Seq2[*couch.Document, error], isReplicated func() (bool, error)) ([]couch.WriteResult, error) {
	return Write(ctx, docs, Either(db.Database.Bulk, isReplicated), db.mayWrite)
}

// mayWrite returns a document that the user may write.
func (db *Database) mayWrite(_ context.Context, doc *couch.Document) (*couch.Document, error) {
	want := auth.Member
	if doc.ID.IsDesign() {
		want = auth.Admin
	}
	return doc, db.role.Demand(want, db.user)
}

// SetSecurity stores a security object. The error is that of [auth.Role.Demand].
func (db *Database) SetSecurity(ctx context.Context, text []byte) error {
	if err := db.role.Demand(auth.Admin, db.user); err != nil {
		return err
	}
	return db.Database.SetSecurity(ctx, text)
}

// SetMetadataOptions stores the options of the metadata view. The error is that of
// [auth.Role.Demand].
func (db *Database) SetMetadataOptions(ctx context.Context, o metaview.Options) error {
	if err := db.role.Demand(auth.Admin, db.user); err != nil {
		return err
	}
	return db.Database.SetMetadataOptions(ctx, o)
}
