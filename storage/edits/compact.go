package edits

import (
	"context"
	"math"
	"time"

	"settle/storage/couch"
	"settle/storage/crypt"
	"settle/storage/kv"
	"settle/storage/revtree"
	"settle/storage/schema"
)

// KeepFrom returns the first sequence whose update may be younger than keep; what was
// superseded before it keeps no attachments. Where there is none such it is the one
// behind last, the latest, for what comes from now on is young; where nothing is kept it
// is beyond all sequences. The error is r's, or of kind couch.Corrupt.
func KeepFrom(ctx context.Context, r kv.Reader, last couch.Seq, keep time.Duration, now time.Time) (couch.Seq, error) {
	if keep <= 0 {
		return math.MaxUint64, nil
	}
	from := last + 1
	hours := kv.Range{Lo: schema.TimeKey(schema.HourOf(now.Add(-keep))), Hi: schema.All(schema.KindTime).Hi}
	for row, err := range r.Scan(ctx, hours) {
		if err != nil {
			return 0, err
		}
		seq, err := schema.DecodeTimeRow(row.Value)
		if err != nil {
			return 0, err
		}
		from = min(from, seq) // the clock may have been put back
	}
	return from, nil
}

// ForgetHours removes what KeepFrom will not ask for again.
func ForgetHours(tx kv.Tx, keep time.Duration, now time.Time) {
	end := schema.HourOf(now)
	if keep > 0 {
		end = schema.HourOf(now.Add(-keep))
	}
	tx.DeleteRange(schema.TimeKey(0), schema.TimeKey(end))
}

// Superseded returns the revisions of which compaction removes something: the text of
// those that are no leaves, and of those superseded before keepFrom all.
func Superseded(doc *schema.DocRow, keepFrom couch.Seq) []couch.RevID {
	var out []couch.RevID
	var by map[couch.RevID]couch.Seq
	for rev, node := range doc.Tree.All() {
		if !schema.IsStored(node) || doc.Tree.IsLeaf(rev) {
			continue
		}
		if by == nil {
			by = supersededBy(doc)
		}
		if node.Available || by[rev] < keepFrom {
			out = append(out, rev)
		}
	}
	return out
}

// supersededBy returns, for each revision that is no leaf, the sequence of the first
// update that has put another on top of it.
func supersededBy(doc *schema.DocRow) map[couch.RevID]couch.Seq {
	by := make(map[couch.RevID]couch.Seq, doc.Tree.Len())
	for _, leaf := range doc.Tree.Leaves() {
		path, _ := doc.Tree.Path(leaf.Rev)
		last := leaf.Node.Seq
		for i := range path.Hashes[1:] {
			rev := path.Rev(i + 1)
			if seq, ok := by[rev]; !ok || last < seq {
				by[rev] = last
			}
			if node, _ := doc.Tree.Get(rev); node.Seq > 0 {
				last = node.Seq
			}
		}
	}
	return by
}

// Compact removes what is superseded of a document, which may be gone: the texts of
// all revisions that are no leaves, and the attachments of those among them that were
// superseded before keepFrom.
func (w *Writer) Compact(ctx context.Context, id couch.DocID, keepFrom couch.Seq) error {
	states, err := w.load(ctx, []couch.DocID{id})
	if err != nil || states[id].old == nil {
		return err
	}
	s := states[id]
	by := supersededBy(s.old)
	for _, rev := range Superseded(s.old, keepFrom) {
		node, _ := s.tree.Get(rev)
		strip := w.dropText
		if !node.Attachments || by[rev] < keepFrom {
			strip = w.dropAll
		}
		if err := strip(ctx, s, rev, node); err != nil {
			return err
		}
	}
	encoded, err := s.old.Encode()
	if err != nil {
		return err
	}
	w.tx.Set(schema.DocKey(s.id), encoded)
	return w.finish(ctx)
}

func (w *Writer) dropAll(ctx context.Context, s *docState, rev couch.RevID, node revtree.Node) error {
	s.tree.Set(rev, revtree.Node{Seq: node.Seq, Deleted: node.Deleted})
	return w.dropBody(ctx, s, rev, node)
}

// dropText removes the text of a revision, and keeps its attachments.
func (w *Writer) dropText(ctx context.Context, s *docState, rev couch.RevID, node revtree.Node) error {
	atts, err := w.attachmentsOf(ctx, s, rev)
	if err != nil {
		return err
	}
	sealed := schema.SealBody(w.contents.Key, &couch.Document{ID: s.id, Attachments: atts}, rev)
	w.tx.Set(schema.BodyKey(s.id, rev), sealed)
	w.m.BodyBytes -= node.Size
	node.Available, node.Size, node.Tag = false, 0, crypt.Tag(sealed)
	s.tree.Set(rev, node)
	return nil
}
