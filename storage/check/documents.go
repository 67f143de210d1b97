package check

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"settle/storage/couch"
	"settle/storage/kv"
	"settle/storage/revtree"
	"settle/storage/schema"
)

// documents checks every by-id row, and what it names.
func (d *database) documents(ctx context.Context) error {
	return d.each(ctx, schema.KindDoc, func(row kv.KV) error {
		id := couch.DocID(row.Key[1:])
		doc, err := schema.DecodeDocRow(row.Value)
		if err != nil {
			return d.damage(d.name, fmt.Sprintf("document %q", id), err)
		}
		if err := doc.Tree.Check(); err != nil {
			d.find("document %q: its tree is unsound: %v", id, err)
		}
		if want := schema.NewDocRow(doc.Tree, doc.Seq); want.Winner != doc.Winner || want.Deleted != doc.Deleted {
			d.find("document %q: its row names another winner than its tree", id)
		}
		d.add(doc)
		if err := d.sequence(ctx, id, doc); err != nil {
			return err
		}
		return d.revisions(ctx, id, doc.Tree)
	})
}

// add adds a document to what the totals should be.
func (d *database) add(doc *schema.DocRow) {
	*d.want.Counter(doc.Deleted)++
	if doc.Deleted {
		d.counts.Deleted++
	} else {
		d.counts.Documents++
	}
	d.want.ActiveBytes += schema.ActiveBytes(doc.Tree)
	d.want.AttBytes += schema.AttBytes(doc.Tree)
	for _, block := range schema.SeqBlocks(doc.Seq) {
		d.count[block]++
	}
}

// sequence checks that by-seq says of a document what its tree says.
func (d *database) sequence(ctx context.Context, id couch.DocID, doc *schema.DocRow) error {
	row, err := d.get(ctx, d.partition, schema.SeqKey(doc.Seq))
	switch {
	case err != nil:
		return err
	case row == nil:
		d.find("document %q: by-seq does not have it at %d", id, doc.Seq)
	case !bytes.Equal(row, schema.NewSeqRow(id, doc.Tree).Encode()):
		d.find("document %q: by-seq says something else of it", id)
	}
	if doc.Seq > d.meta.UpdateSeq {
		d.find("document %q: its sequence %d is beyond the database's %d", id, doc.Seq, d.meta.UpdateSeq)
	}
	if id.IsDesign() && doc.Seq > d.meta.DesignSeq {
		d.find("document %q: its sequence %d is beyond that of the design documents, %d", id, doc.Seq, d.meta.DesignSeq)
	}
	return nil
}

// revisions checks the bodies that a tree names.
func (d *database) revisions(ctx context.Context, id couch.DocID, tree *revtree.Tree) error {
	inLeaf := make(map[couch.BlobID]bool)
	for rev, node := range tree.All() {
		if !node.Available && tree.IsLeaf(rev) {
			d.find("document %q: leaf %s has no body", id, rev)
			continue
		}
		if !schema.IsStored(node) {
			continue
		}
		d.bodies++
		if node.Available {
			d.counts.Revisions++
		}
		what := fmt.Sprintf("document %q, revision %s", id, rev)
		atts, err := d.revision(ctx, id, rev, node)
		if err := d.damage(d.name, what, err); err != nil {
			return err
		}
		for _, a := range atts {
			if a.Length > 0 && tree.IsLeaf(rev) {
				inLeaf[a.Blob] = true
			}
		}
	}
	return d.namesLeafBlobs(ctx, id, inLeaf)
}

// revision checks that a stored revision opens, and that its contents are there, and
// returns its attachments.
func (d *database) revision(ctx context.Context, id couch.DocID, rev couch.RevID, node revtree.Node) ([]couch.Attachment, error) {
	sealed, err := d.get(ctx, d.partition, schema.BodyKey(id, rev))
	if err != nil {
		return nil, err
	}
	if sealed == nil {
		d.find("document %q: the body of %s is missing", id, rev)
		return nil, nil
	}
	body, err := schema.OpenBody(d.key, sealed, id, rev, node)
	if err != nil {
		return nil, err
	}
	d.want.BodyBytes += int64(len(body.Text))
	if int64(len(body.Text)) != node.Size || (len(body.Attachments) > 0) != node.Attachments {
		d.find("document %q: %s is not of the size that its tree says", id, rev)
	}
	size, err := d.attachments(ctx, id, rev, body.Attachments)
	if err == nil && size != node.AttSize {
		d.find("document %q: the attachments of %s are not of the size that its tree says", id, rev)
	}
	return body.Attachments, err
}

// attachments checks the attachments of a revision, and returns their size.
func (d *database) attachments(ctx context.Context, id couch.DocID, rev couch.RevID, atts []couch.Attachment) (size int64, err error) {
	used := make(map[couch.BlobID]bool) // a revision has one reference to a blob
	for _, a := range atts {
		used[a.Blob] = true
		size += a.Length
		if err := d.attachment(ctx, schema.Ref{Blob: a.Blob, ID: id, Rev: rev}, a); err != nil {
			return 0, err
		}
	}
	d.refs += int64(len(used))
	return size, nil
}

// attachment checks that a revision's attachment has its reference and its blob.
// Whether the content is whole is seen when all blobs are read.
func (d *database) attachment(ctx context.Context, ref schema.Ref, a couch.Attachment) error {
	row, err := d.get(ctx, d.partition, schema.RefKey(ref.Blob, ref.ID, ref.Rev))
	if err != nil {
		return err
	}
	if row == nil {
		d.find("document %q: %s has no reference to its attachment %q", ref.ID, ref.Rev, a.Name)
	}
	err = d.view(d.partition)(ctx, func(r kv.Reader) error {
		blob, err := d.blobs.Load(ctx, r, a.Blob)
		if err == nil && (blob.Length() != a.Length || blob.Digest() != a.Digest) {
			d.find("document %q: the blob of %s's attachment %q has another length or digest", ref.ID, ref.Rev, a.Name)
		}
		return err
	})
	switch {
	case errors.Is(err, couch.ErrNotFound):
		d.find("document %q: the blob of %s's attachment %q is missing", ref.ID, ref.Rev, a.Name)
	case errors.Is(err, couch.ErrCorrupt):
	default:
		return err
	}
	return nil
}
