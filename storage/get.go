package storage

import (
	"context"

	"settle/storage/couch"
	"settle/storage/kv"
	"settle/storage/revtree"
	"settle/storage/schema"
)

// Get reads one revision of a document, with its body. Its attachments name
// their blobs, for OpenBlob. Errors: ErrNotFound, ErrDeleted where the winner
// is asked for and is a deletion, unless o.Deleted is set.
func (db *Database) Get(ctx context.Context, id couch.DocID, o couch.GetOptions) (*couch.Document, error) {
	var doc *couch.Document
	err := db.view(ctx, func(r kv.Reader, _ *schema.Meta) error {
		row, err := readDocRow(ctx, r, id)
		if err != nil {
			return err
		}
		rev := o.Rev
		switch {
		case row == nil:
			return couch.ErrNotFound
		case rev.IsZero() && row.Deleted && !o.Deleted:
			return couch.ErrDeleted
		case rev.IsZero():
			rev = row.Winner
		}
		doc, err = db.readRev(ctx, r, id, row, rev, o)
		return err
	})
	return doc, err
}

// readDocRow returns the by-id row of a document, nil where there is none.
func readDocRow(ctx context.Context, r kv.Reader, id couch.DocID) (*schema.DocRow, error) {
	row, err := kv.GetOne(ctx, r, schema.DocKey(id))
	if err != nil || row == nil {
		return nil, err
	}
	return schema.DecodeDocRow(row)
}

// readRev reads one revision of the tree. The error is ErrNotFound where its
// body is not stored.
func (db *Database) readRev(ctx context.Context, r kv.Reader, id couch.DocID, row *schema.DocRow, rev couch.RevID, o couch.GetOptions) (*couch.Document, error) {
	sealed, err := kv.GetOne(ctx, r, schema.BodyKey(id, rev))
	if err != nil {
		return nil, err
	}
	return db.assemble(docAsk{id, rev}, row, sealed, o)
}

// assemble makes a document of its two rows. The error is ErrNotFound where the
// body of the revision is not stored.
func (db *Database) assemble(ask docAsk, row *schema.DocRow, sealed []byte, o couch.GetOptions) (*couch.Document, error) {
	node, ok := row.Tree.Get(ask.rev)
	if !ok || !node.Available {
		return nil, couch.ErrNotFound
	}
	body, err := schema.OpenBody(db.key, sealed, ask.id, ask.rev, node)
	if err != nil {
		return nil, err
	}
	doc := &couch.Document{
		ID: ask.id, Deleted: node.Deleted, Revisions: couch.PathTo(ask.rev),
		Body: couch.Body{Text: body.Text}, Attachments: body.Attachments,
	}
	addMeta(doc, row, o)
	return doc, nil
}

// addMeta adds to a document what the options ask for of its tree.
func addMeta(doc *couch.Document, row *schema.DocRow, o couch.GetOptions) {
	rev := doc.Rev()
	if o.Revs || o.RevsInfo {
		path, _ := row.Tree.Path(rev)
		if o.Revs {
			doc.Revisions = path
		}
		if o.RevsInfo {
			doc.RevsInfo = revsInfo(row.Tree, path)
		}
	}
	if o.Conflicts || o.DeletedConflicts {
		addConflicts(doc, row.Tree, o)
	}
	if o.LocalSeq {
		doc.LocalSeq = row.Seq
	}
}

// addConflicts adds the leaves that the document is not.
func addConflicts(doc *couch.Document, tree *revtree.Tree, o couch.GetOptions) {
	for _, leaf := range tree.Leaves() {
		switch {
		case leaf.Rev == doc.Rev():
		case !leaf.Node.Deleted && o.Conflicts:
			doc.Conflicts = append(doc.Conflicts, leaf.Rev)
		case leaf.Node.Deleted && o.DeletedConflicts:
			doc.DeletedConflicts = append(doc.DeletedConflicts, leaf.Rev)
		}
	}
}

func revsInfo(tree *revtree.Tree, path couch.Revisions) []couch.RevInfo {
	info := make([]couch.RevInfo, len(path.Hashes))
	for i := range info {
		rev := path.Rev(i)
		info[i] = couch.RevInfo{Rev: rev, Status: status(tree, rev)}
	}
	return info
}

func status(tree *revtree.Tree, rev couch.RevID) couch.RevStatus {
	node, ok := tree.Get(rev)
	switch {
	case !ok || !node.Available:
		return couch.RevMissing
	case node.Deleted:
		return couch.RevDeleted
	}
	return couch.RevAvailable
}
