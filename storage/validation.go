package storage

import (
	"context"

	"settle/storage/couch"
	"settle/storage/edits"
	"settle/storage/kv"
	"settle/storage/schema"
)

// Validator judges what is written by what the design documents of its database say.
// It is called outside of transactions; what it has said is checked again inside.
type Validator interface {
	// CheckDesign says why a design document is refused; nil: it is not. An err, the
	// context's, ends the batch. scope tells the database from every other.
	CheckDesign(ctx context.Context, scope couch.Incarnation, d *couch.Document) (refusal, err error)
	// Rules returns what the validation function of a design document demands of the
	// other documents of a database; nil where it has none. size is what that takes in
	// memory, in bytes.
	Rules(database string, scope couch.Incarnation, d *couch.Document) (judge edits.Judge, size int)
}

// validation returns the rules of the database: where anew is false perhaps old ones,
// which a transaction finds out by their DesignSeq.
func (db *Database) validation(ctx context.Context, anew bool) (edits.Rules, error) {
	if !anew {
		if r, ok := db.store.rules.Get(db.rec.Partition); ok {
			return r, nil
		}
		return edits.Rules{DesignSeq: couch.Seq(db.ruleless.Load())}, nil
	}
	for {
		r, size, err := db.readRules(ctx)
		if err != nil {
			return edits.Rules{}, err
		}
		after, err := db.designSeq(ctx)
		if err != nil {
			return edits.Rules{}, err
		}
		if after == r.DesignSeq {
			db.keepRules(r, size)
			return r, nil
		}
	}
}

// readRules reads the design documents, which may change meanwhile. size is what the
// rules take, in bytes.
func (db *Database) readRules(ctx context.Context) (r edits.Rules, size int, err error) {
	seq, err := db.designSeq(ctx)
	if err != nil {
		return r, 0, err
	}
	first, last := couch.DocID(couch.DesignPrefix), couch.DocID("_design0") // the byte behind the slash
	o := couch.AllDocsOptions{Start: &first, End: &last, ExclusiveEnd: true, Limit: -1, IncludeDocs: true}
	var all []edits.Judge
	for row, err := range db.AllDocs(ctx, o) {
		if err != nil {
			return r, 0, err
		}
		if row.Doc == nil {
			continue
		}
		if judge, n := db.store.judge.Rules(db.name, db.rec.Incarnation, row.Doc); judge != nil {
			all = append(all, judge)
			size += n
		}
	}
	return edits.Rules{DesignSeq: seq, Judge: edits.AllOf(all)}, size, nil
}

func (db *Database) keepRules(r edits.Rules, size int) {
	if r.Judge != nil {
		db.store.rules.Put(db.rec.Partition, r, size)
		return
	}
	db.store.rules.Forget(db.rec.Partition)
	db.ruleless.Store(uint64(r.DesignSeq))
}

func (db *Database) designSeq(ctx context.Context) (seq couch.Seq, err error) {
	err = db.view(ctx, func(_ kv.Reader, m *schema.Meta) error {
		seq = m.DesignSeq
		return nil
	})
	return seq, err
}
