package replicator

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"net/url"

	"settle/replication"
	"settle/server/access"
	"settle/server/auth"
	"settle/storage/couch"
	"settle/storage/metaview"
)

// Database is a replicator database as one user sees it. It has the methods of the
// database that it stands on.
//
// Documents that describe no replication are a Forbidden, and so are, for who is no
// server administrator, design documents and documents of somebody else. Such a user's
// documents get the user's name and roles, with which their replications run. They are
// shown without credentials to everybody but their owner and server administrators.
type Database struct {
	*access.Database
	user  couch.UserCtx
	admin bool // of the server
}

// NewDatabase returns db, which must be a replicator database, as a user of a role
// sees it.
func NewDatabase(db *metaview.Database, user couch.UserCtx, role auth.Role) *Database {
	return &Database{access.NewDatabase(db, user, role), user, (auth.Session{User: user}).IsServerAdmin()}
}

// BulkDocs makes interactive edits. See [storage.Database.BulkDocs].
func (db *Database) BulkDocs(ctx context.Context, docs iter.Seq2[*couch.Document, error]) ([]couch.WriteResult, error) {
	return access.Write(ctx, docs, db.Database.BulkDocs, db.prepare)
}

// PutRevs stores revisions that another server has. See [storage.Database.PutRevs].
func (db *Database) PutRevs(ctx context.Context, docs iter.Seq2[*couch.Document, error]) ([]couch.WriteResult, error) {
	return access.Write(ctx, docs, db.Database.PutRevs, db.prepare)
}

// Bulk makes edits of either kind. See [storage.Database.Bulk].
func (db *Database) Bulk(ctx context.Context, docs iter.Seq2[*couch.Document, error], isReplicated func() (bool, error)) ([]couch.WriteResult, error) {
	return access.Write(ctx, docs, access.Either(db.Database.Bulk, isReplicated), db.prepare)
}

func forbidden(reason string) error { return &couch.Error{Kind: couch.Forbidden, Reason: reason} }

// prepare returns a document with its owner, or refuses it.
func (db *Database) prepare(ctx context.Context, doc *couch.Document) (*couch.Document, error) {
	switch {
	case doc.ID.IsDesign() && !db.admin:
		return nil, forbidden("Only administrators can change design documents of a replicator database.")
	case doc.ID.IsDesign():
		return doc, nil
	}
	if err := db.checkOwner(ctx, doc.ID); err != nil {
		return nil, err
	}
	if doc.Deleted {
		return doc, nil
	}
	said, _, err := parseDocument(doc.Body.Text, replication.StandardTuning())
	if err != nil && said.State != stateFailed { // such a one asks for nothing
		reason := err.Error()
		if known, ok := errors.AsType[*replication.Error](err); ok {
			reason = known.Reason
		}
		return nil, forbidden(reason)
	}
	var set []member
	switch {
	case !db.admin:
		set = []member{{"owner", db.user.Name}, {"user_ctx", userCtx{db.user.Name, append([]string{}, db.user.Roles...)}}}
	case said.Owner == "" && db.user.Name != "":
		set = []member{{"owner", db.user.Name}}
	default:
		return doc, nil
	}
	owned := *doc
	if owned.Body, err = withMembers(doc.Body.Text, set...); err != nil {
		return nil, err
	}
	return &owned, nil
}

// checkOwner refuses to change somebody else's document.
func (db *Database) checkOwner(ctx context.Context, id couch.DocID) error {
	if db.admin {
		return nil
	}
	if db.user.Name == "" {
		return &couch.Error{Kind: couch.Unauthorized, Reason: "You are not an authenticated user"}
	}
	doc, err := db.Database.Get(ctx, id, couch.GetOptions{})
	if errors.Is(err, couch.ErrNotFound) || errors.Is(err, couch.ErrDeleted) {
		return nil
	}
	if err != nil {
		return err
	}
	if db.owns(doc) {
		return nil
	}
	return forbidden("Only the owner can change a replication document.")
}

func (db *Database) owns(doc *couch.Document) bool {
	var said document
	return db.user.Name != "" && json.Unmarshal(doc.Body.Text, &said) == nil && said.Owner == db.user.Name
}

// shown returns what the user may see of a document.
func (db *Database) shown(doc *couch.Document) (*couch.Document, error) {
	if doc == nil || db.admin || doc.ID.IsDesign() || db.owns(doc) {
		return doc, nil
	}
	body, err := withoutCredentials(doc.Body)
	if err != nil {
		return nil, err
	}
	bare := *doc
	bare.Body, bare.Attachments = body, nil
	return &bare, nil
}

// withoutCredentials takes what may be a secret out of a body: of each endpoint the URL
// is left, without name and password.
func withoutCredentials(body couch.Body) (couch.Body, error) {
	var said map[string]json.RawMessage
	if err := json.Unmarshal(body.Text, &said); err != nil {
		return couch.Body{}, err
	}
	set := []member{{"proxy", nil}, {"source_proxy", nil}, {"target_proxy", nil}}
	for _, name := range []string{"source", "target"} {
		if v, ok := said[name]; ok {
			set = append(set, member{name, bareEndpoint(v)})
		}
	}
	return withMembers(body.Text, set...)
}

func bareEndpoint(text json.RawMessage) any {
	var where string
	var object struct {
		URL string `json:"url"`
	}
	if json.Unmarshal(text, &where) == nil {
		return bareURL(where)
	}
	json.Unmarshal(text, &object)
	return map[string]string{"url": bareURL(object.URL)}
}

func bareURL(s string) string {
	u, err := url.Parse(s)
	if err != nil {
		return ""
	}
	u.User = nil
	return u.String()
}

// Get reads a document. See [storage.Database.Get].
func (db *Database) Get(ctx context.Context, id couch.DocID, o couch.GetOptions) (*couch.Document, error) {
	doc, err := db.Database.Get(ctx, id, o)
	if err != nil {
		return nil, err
	}
	return db.shown(doc)
}

// OpenRevs reads several revisions. See [storage.Database.OpenRevs].
func (db *Database) OpenRevs(ctx context.Context, id couch.DocID, o couch.OpenRevsOptions, g couch.GetOptions) ([]couch.OpenRev, error) {
	revs, err := db.Database.OpenRevs(ctx, id, o, g)
	for i := range revs {
		if err == nil {
			revs[i].Doc, err = db.shown(revs[i].Doc)
		}
	}
	return revs, err
}

// AllDocs lists documents. See [storage.Database.AllDocs].
func (db *Database) AllDocs(ctx context.Context, o couch.AllDocsOptions) iter.Seq2[couch.AllDocsRow, error] {
	return eachShown(db, db.Database.AllDocs(ctx, o), func(row *couch.AllDocsRow) **couch.Document { return &row.Doc })
}

// AllDocsByID lists documents. See [storage.Database.AllDocsByID].
func (db *Database) AllDocsByID(ctx context.Context, ids []couch.DocID, o couch.AllDocsOptions) iter.Seq2[couch.AllDocsRow, error] {
	return eachShown(db, db.Database.AllDocsByID(ctx, ids, o), func(row *couch.AllDocsRow) **couch.Document { return &row.Doc })
}

// Changes follows the changes. See [storage.Database.Changes].
func (db *Database) Changes(ctx context.Context, o couch.ChangesOptions) iter.Seq2[couch.Change, error] {
	return eachShown(db, db.Database.Changes(ctx, o), func(row *couch.Change) **couch.Document { return &row.Doc })
}

// eachShown yields rows whose documents are as the user may see them.
func eachShown[T any](db *Database, rows iter.Seq2[T, error], doc func(*T) **couch.Document) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for row, err := range rows {
			if err == nil {
				d := doc(&row)
				*d, err = db.shown(*d)
			}
			if !yield(row, err) || err != nil {
				return
			}
		}
	}
}

var _ replication.Database = (*Database)(nil)
