package edits

import (
	"bytes"
	"context"

	"settle/storage/couch"
	"settle/storage/crypt"
	"settle/storage/revtree"
	"settle/storage/schema"
)

// docState is a document within a transaction, with the edits made so far.
type docState struct {
	id      couch.DocID
	old     *schema.DocRow // nil: the document is new
	tree    *revtree.Tree
	changed bool
	// counted and blobLeaves are what of the document is in the totals, which the
	// transaction's own edits enter when it is stored.
	counted    totals
	blobLeaves []revtree.Leaf // those that have contents
	// before is the tree's encoding before paths were merged into it that may have
	// brought nothing; nil where there were none.
	before []byte
	// atts are the attachments of the revisions stored by this transaction, which
	// cannot read them back, and of those that were read.
	atts map[couch.RevID][]couch.Attachment
}

func newDocState(id couch.DocID, row []byte) (*docState, error) {
	s := &docState{id: id, tree: new(revtree.Tree), atts: make(map[couch.RevID][]couch.Attachment)}
	if row == nil {
		return s, nil
	}
	old, err := schema.DecodeDocRow(row)
	if err != nil {
		return nil, err
	}
	s.old, s.tree = old, old.Tree
	s.counted = totalsOf(old.Tree)
	if s.counted.atts > 0 {
		s.blobLeaves = blobLeaves(old.Tree)
	}
	return s, nil
}

// isUnchanged reports whether the paths that were merged have brought nothing.
func (s *docState) isUnchanged() (bool, error) {
	if s.changed {
		return false, nil
	}
	now, err := s.tree.AppendBinary(nil)
	return bytes.Equal(s.before, now), err
}

func storedRevs(t *revtree.Tree) map[couch.RevID]revtree.Node {
	stored := make(map[couch.RevID]revtree.Node)
	for rev, node := range t.All() {
		if schema.IsStored(node) {
			stored[rev] = node
		}
	}
	return stored
}

// add merges a revision, whose attachments are all resolved, and stores its body
// unless the revision had one. path leads to it.
func (w *Writer) add(ctx context.Context, s *docState, path couch.Revisions, d *couch.Document) error {
	rev := path.Leaf()
	if schema.AttachmentTable(d.Attachments) > schema.MaxAttachmentTable {
		return couch.Errorf(couch.DocumentTooLarge, "%s", s.id)
	}
	kept, _ := s.tree.Get(rev)
	sealed := schema.SealBody(w.contents.Key, d, rev)
	node := revtree.Node{
		Seq: w.m.UpdateSeq + 1, Deleted: d.Deleted, Available: true, Tag: crypt.Tag(sealed),
		Size: int64(len(d.Body.Text)), Attachments: len(d.Attachments) > 0,
	}
	for _, a := range d.Attachments {
		node.AttSize += a.Length
	}
	_, stored, err := s.tree.Merge(path, node)
	if err != nil || !stored {
		return err
	}
	if schema.KeepsAttachments(kept) {
		if err := w.dropBody(ctx, s, rev, kept); err != nil {
			return err
		}
	}
	w.tx.Set(schema.BodyKey(s.id, rev), sealed)
	w.m.BodyBytes += node.Size
	for _, a := range d.Attachments {
		w.addRef(a, s.id, rev)
	}
	s.atts[rev], s.changed = d.Attachments, true
	return nil
}

// addRef notes that a revision uses a content, which is stored first if it is new.
func (w *Writer) addRef(a couch.Attachment, id couch.DocID, rev couch.RevID) {
	w.refs.Add(w.tx, schema.Ref{Blob: a.Blob, ID: id, Rev: rev})
	w.bring(a)
}
