package edits

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"settle/storage/couch"
	"settle/storage/kv"
	"settle/storage/revtree"
	"settle/storage/schema"
)

// Rules are the validation functions of a database's design documents.
type Rules struct {
	DesignSeq couch.Seq // the Meta's, when the design documents were read
	Judge     Judge     // nil: no design document has a validation function
}

// Judge says why a document is refused; nil: it is not. An err ends the batch; what is
// wrong with a function is a refusal.
type Judge func(ctx context.Context, u Update) (refusal, err error)

// Update is a document that is to be written, and what it is to be judged against.
type Update struct {
	New      *couch.Document // its Revisions lead to what it replaces, or are its own path
	Old      *couch.Document // what it replaces; nil: nothing
	Security []byte          // the security object, JSON; nil: none was set
}

var (
	errStale      = errors.New("a document is not as it was when it was judged")
	errStaleRules = errors.New("the design documents are not those that the batch was judged by")
)

// verdict is what came of judging an edit, and what it rests on.
type verdict struct {
	refusal error
	stored  bool // the revision was there, and is not judged again
	epoch   int  // of the batch, from 1; 0: not judged
	seq     couch.Seq
}

// isJudged reports whether an edit needs a verdict.
func (b *batch) isJudged(e *edit) bool {
	return b.o.Validation != nil && !b.kind.refuses(e.doc) && (b.rules.Judge != nil || e.doc.ID.IsDesign())
}

// standsByRules returns an error where the rules, or the security object that a chunk was
// judged with, are others by now.
func (b *batch) standsByRules(ctx context.Context, tx kv.Tx, m *schema.Meta, chunk []*edit) error {
	if b.o.Validation == nil {
		return nil
	}
	if m.DesignSeq != b.rules.DesignSeq {
		return errStaleRules
	}
	if b.rules.Judge == nil || !slices.ContainsFunc(chunk, b.isJudged) {
		return nil
	}
	rows, err := tx.GetMulti(ctx, schema.SecurityKey())
	if err == nil && !bytes.Equal(rows[0], b.security) {
		err = errStale
	}
	return err
}

// verdict returns why an edit was refused. The error is errStale where its document is
// another by now.
func (b *batch) verdict(s *docState, e *edit) (refusal, err error) {
	v := e.judged
	if v.epoch != b.epoch+1 || v.seq != seqOf(s.old) {
		return nil, errStale
	}
	if v.stored {
		if node, _ := s.tree.Get(e.doc.Rev()); !node.Available {
			e.judged = verdict{} // its text was compacted away in between
			return nil, errStale
		}
	}
	return v.refusal, nil
}

// seqOf returns a document's sequence, 0 where there is no document.
func seqOf(row *schema.DocRow) couch.Seq {
	if row == nil {
		return 0
	}
	return row.Seq
}

// sight is a document as it was found, for an edit of it.
type sight struct {
	e    *edit
	row  *schema.DocRow  // nil: there is none
	old  *couch.Document // what the edit replaces
	size int64           // of its body
}

// What of the stored documents is read at once: so many trees, and bodies of so many
// bytes, or one that is larger.
const (
	judgedRows   = 100
	judgedBodies = 4 << 20
)

// judge gives each edit of a chunk that needs one a verdict.
func (b *batch) judge(ctx context.Context, chunk []*edit) error {
	rest := slices.DeleteFunc(slices.Clone(chunk), func(e *edit) bool { return !b.isJudged(e) })
	for len(rest) > 0 {
		page, err := b.look(ctx, rest[:min(len(rest), judgedRows)])
		if err != nil {
			return err
		}
		for _, s := range page {
			if err := b.judgeEdit(ctx, s); err != nil {
				return err
			}
		}
		rest = rest[len(page):]
	}
	return nil
}

// look reads what edits are judged against, of as many from the front as fit, at least
// of one.
func (b *batch) look(ctx context.Context, edits []*edit) ([]sight, error) {
	var page []sight
	err := b.o.View(ctx, func(r kv.Reader, _ *schema.Meta) error {
		keys := [][]byte{schema.SecurityKey()}
		for _, e := range edits {
			keys = append(keys, schema.DocKey(e.doc.ID))
		}
		rows, err := r.GetMulti(ctx, keys...)
		if err != nil {
			return err
		}
		if !bytes.Equal(rows[0], b.security) {
			b.security = bytes.Clone(rows[0])
			b.epoch++
		}
		page, err = b.readReplaced(ctx, r, edits, rows[1:])
		return err
	})
	return page, err
}

func (b *batch) readReplaced(ctx context.Context, r kv.Reader, edits []*edit, rows [][]byte) ([]sight, error) {
	var page []sight
	size := int64(0)
	for i, e := range edits {
		s := sight{e: e}
		if rows[i] != nil {
			var err error
			if s.row, err = schema.DecodeDocRow(rows[i]); err != nil {
				return nil, err
			}
			if err := b.readOld(ctx, r, &s); err != nil {
				return nil, err
			}
		}
		page = append(page, s)
		if size += s.size; size > judgedBodies {
			break
		}
	}
	return page, nil
}

// readOld reads the document that an edit replaces, where a function is to see it.
func (b *batch) readOld(ctx context.Context, r kv.Reader, s *sight) error {
	rev, ok := b.kind.replaces(s.row.Tree, s.e.doc)
	if !ok || s.e.doc.ID.IsDesign() || s.e.judged.epoch == b.epoch+1 && s.e.judged.seq == s.row.Seq {
		return nil
	}
	node, _ := s.row.Tree.Get(rev)
	sealed, err := r.GetMulti(ctx, schema.BodyKey(s.e.doc.ID, rev))
	if err != nil {
		return err
	}
	body, err := schema.OpenBody(b.o.Key, sealed[0], s.e.doc.ID, rev, node)
	if err != nil {
		return err
	}
	path, _ := s.row.Tree.Path(rev)
	s.old = &couch.Document{
		ID: s.e.doc.ID, Deleted: node.Deleted, Revisions: path,
		Body: couch.Body{Text: body.Text}, Attachments: body.Attachments,
	}
	s.size = node.Size
	return nil
}

// replaces returns the revision that a validation function is shown as the old one: as
// in CouchDB the leaf that an interactive edit names, and of a replicated revision the
// nearest ancestor whose text is stored.
func (k Kind) replaces(tree *revtree.Tree, d *couch.Document) (couch.RevID, bool) {
	if k == Interactive {
		rev := d.Revisions.Leaf()
		node, _ := tree.Get(rev)
		return rev, node.Available && tree.IsLeaf(rev)
	}
	for i := 1; i < len(d.Revisions.Hashes); i++ {
		path, ok := tree.Path(d.Revisions.Rev(i))
		if !ok {
			continue
		}
		for j := range path.Hashes {
			if node, _ := tree.Get(path.Rev(j)); node.Available {
				return path.Rev(j), true
			}
		}
		break
	}
	return couch.RevID{}, false
}

// judgeEdit gives one edit its verdict, unless it has one.
func (b *batch) judgeEdit(ctx context.Context, s sight) (err error) {
	v := verdict{epoch: b.epoch + 1, seq: seqOf(s.row)}
	if s.e.judged.epoch == v.epoch && s.e.judged.seq == v.seq {
		return nil
	}
	switch doc := s.e.doc; {
	case b.kind == Replicated && s.row != nil && isAvailable(s.row.Tree, doc.Rev()):
		v.stored = true
	case b.kind == Interactive && isConflict(s.row, doc):
		v.refusal = couch.ErrConflict
	case doc.ID.IsDesign():
		v.refusal, err = b.o.CheckDesign(ctx, doc)
	default:
		u := Update{New: withStubs(doc, s.old), Old: s.old, Security: b.security}
		v.refusal, err = b.rules.Judge(ctx, u)
	}
	s.e.judged = v
	return err
}

func isAvailable(tree *revtree.Tree, rev couch.RevID) bool {
	node, _ := tree.Get(rev)
	return node.Available
}

// isConflict says whether an interactive edit is one before it is judged. A document is
// looked up as it is stored: what other edits of the batch make of it does not count
// (couch_db:prep_and_validate_update).
func isConflict(row *schema.DocRow, d *couch.Document) bool {
	names := len(d.Revisions.Hashes) > 0
	switch {
	case row == nil:
		return names
	case names:
		return !row.Tree.IsLeaf(d.Revisions.Leaf())
	}
	return !row.Deleted
}

// missingStub returns the error of a refused document's stub that names nothing: it is
// told first, except of conflicts with a document that is there, and ends the batch.
func (b *batch) missingStub(ctx context.Context, w *Writer, s *docState, e *edit) error {
	if e.judged.refusal == nil || s.old != nil && e.judged.refusal == couch.ErrConflict || !slices.ContainsFunc(e.doc.Attachments, isNamedStub) {
		return nil
	}
	doc, path, gen := asEdited(e.doc), revs(e.doc.Revisions, 1), e.doc.Revisions.Start+1
	if b.kind == Replicated {
		doc, path, gen = e.doc, ancestors(e.doc), e.doc.Revisions.Start
	}
	_, _, err := w.resolve(ctx, s, doc, path, gen)
	return err
}

// isNamedStub reports whether an attachment stands for the one of its name.
func isNamedStub(a couch.Attachment) bool { return a.Stub && !a.ByDigest }

// withStubs returns a document with what its stubs stand for in the one that it
// replaces. Those that are not found there are for the transaction to look for.
func withStubs(d, old *couch.Document) *couch.Document {
	if old == nil || !slices.ContainsFunc(d.Attachments, isNamedStub) {
		return d
	}
	out := *d
	out.Attachments = slices.Clone(d.Attachments)
	for i, a := range out.Attachments {
		if !isNamedStub(a) {
			continue
		}
		if at := slices.IndexFunc(old.Attachments, func(o couch.Attachment) bool { return o.Name == a.Name }); at >= 0 {
			out.Attachments[i] = old.Attachments[at]
		}
	}
	return &out
}
