package storage

import (
	"context"
	"sync"

	"settle/storage/couch"
	"settle/storage/kv"
	"settle/storage/revtree"
	"settle/storage/schema"
)

// Compact removes the bodies of all revisions that are no leaves, and the
// contents that only they used, and gives the space back. Writers wait for one
// document at a time. It may be cut short at any place and run again.
func (db *Database) Compact(ctx context.Context) error {
	if !db.store.compacting.begin(db.rec.Partition) {
		return nil // a run is under way
	}
	defer db.store.compacting.end(db.rec.Partition)
	for row, err := range kv.Pages(ctx, db.reader, schema.All(schema.KindDoc)) {
		if err != nil {
			return err
		}
		doc, err := schema.DecodeDocRow(row.Value)
		if err != nil {
			return err
		}
		if len(superseded(doc)) == 0 {
			continue
		}
		if err := db.compactDoc(ctx, couch.DocID(row.Key[1:])); err != nil {
			return err
		}
	}
	if c, ok := db.store.kv.(kv.Compacter); ok {
		return schema.DomainError(c.Compact(ctx, db.rec.Partition))
	}
	return nil
}

// superseded returns the revisions whose bodies compaction removes.
func superseded(doc *schema.DocRow) []couch.RevID {
	var out []couch.RevID
	for rev, node := range doc.Tree.All() {
		if node.Available && !doc.Tree.IsLeaf(rev) {
			out = append(out, rev)
		}
	}
	return out
}

// compactDoc removes the superseded bodies of one document.
func (db *Database) compactDoc(ctx context.Context, id couch.DocID) error {
	var w *writer
	err := db.update(ctx, func(tx kv.Tx, m *schema.Meta) error {
		w = newWriter(db, tx, m)
		row, err := getOne(ctx, tx, schema.DocKey(id))
		if err != nil || row == nil {
			return err
		}
		s, err := newDocState(id, row)
		if err != nil {
			return err
		}
		for _, rev := range superseded(s.old) {
			node, _ := s.tree.Get(rev)
			if err := w.dropBody(ctx, s, rev, node); err != nil {
				return err
			}
			s.tree.Set(rev, revtree.Node{Seq: node.Seq, Deleted: node.Deleted})
		}
		encoded, err := s.old.Encode()
		if err != nil {
			return err
		}
		tx.Set(schema.DocKey(id), encoded)
		return w.finish(ctx)
	}, kv.Freeing)
	if err == nil {
		db.removeFiles(w.refs.removed)
	}
	return err
}

// running tells which partitions are worked on.
type running struct {
	mu sync.Mutex
	m  map[kv.Partition]bool
}

// begin reports whether the caller is the one who works on p now.
func (r *running) begin(p kv.Partition) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.m[p] {
		return false
	}
	if r.m == nil {
		r.m = make(map[kv.Partition]bool)
	}
	r.m[p] = true
	return true
}

func (r *running) end(p kv.Partition) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.m, p)
}

func (r *running) has(p kv.Partition) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.m[p]
}
