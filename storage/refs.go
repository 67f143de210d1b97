package storage

import (
	"context"

	"settle/storage/couch"
	"settle/storage/kv"
	"settle/storage/revtree"
	"settle/storage/schema"
)

// refs gathers which revisions begin and cease to use which contents in one
// transaction. A content that no revision uses any more is removed with it.
type refs struct {
	added   map[couch.BlobID]map[string]bool // keys of new references
	ended   map[couch.BlobID]map[string]bool // keys of ended references
	lengths map[couch.BlobID]int64
	removed []couch.BlobID // contents whose rows the transaction removes
}

func (r *refs) add(blob couch.BlobID, key []byte) {
	note(&r.added, blob, key)
}

func (r *refs) end(a couch.Attachment, key []byte) {
	delete(r.added[a.Blob], string(key))
	note(&r.ended, a.Blob, key)
	if r.lengths == nil {
		r.lengths = make(map[couch.BlobID]int64)
	}
	r.lengths[a.Blob] = a.Length
}

func note(m *map[couch.BlobID]map[string]bool, blob couch.BlobID, key []byte) {
	if *m == nil {
		*m = make(map[couch.BlobID]map[string]bool)
	}
	if (*m)[blob] == nil {
		(*m)[blob] = make(map[string]bool)
	}
	(*m)[blob][string(key)] = true
}

// dropBody removes the body of a revision that was stored, and its references.
func (w *writer) dropBody(ctx context.Context, s *docState, rev couch.RevID, node revtree.Node) error {
	atts, err := w.droppedAttachments(ctx, s, rev, node)
	if err != nil {
		return err
	}
	for _, a := range atts {
		key := schema.RefKey(a.Blob, s.id, rev)
		w.refs.end(a, key)
		w.tx.Delete(key)
	}
	w.tx.Delete(schema.BodyKey(s.id, rev))
	w.m.BodyBytes -= node.Size
	return nil
}

func (w *writer) droppedAttachments(ctx context.Context, s *docState, rev couch.RevID, node revtree.Node) ([]couch.Attachment, error) {
	if atts, ok := s.added[rev]; ok || !node.Attachments {
		return atts, nil
	}
	body, err := w.db.readBody(ctx, w.tx, s.id, rev, node)
	return body.Attachments, err
}

// removeUnused removes the contents whose last reference the transaction ends.
func (w *writer) removeUnused(ctx context.Context) error {
	w.refs.removed = nil
	for blob, ended := range w.refs.ended {
		used := len(w.refs.added[blob]) > 0
		prefix := schema.RefPrefix(blob)
		for row, err := range w.tx.Scan(ctx, kv.Range{Lo: prefix, Hi: schema.PrefixEnd(prefix), Limit: len(ended) + 1}) {
			if err != nil {
				return err
			}
			used = used || !ended[string(row.Key)]
		}
		if used {
			continue
		}
		w.db.blobs.Delete(w.tx, blob)
		w.refs.removed = append(w.refs.removed, blob)
		w.m.Blobs--
		w.m.BlobBytes -= w.refs.lengths[blob]
	}
	return nil
}
