package users

import (
	"cmp"
	"context"
	"iter"

	"settle/server/access"
	"settle/storage/couch"
)

// Bulk makes edits of either kind. See [storage.Database.Bulk]. Each document is judged
// by the rules of both as it passes: which of the verdicts counts is known at the end.
func (db *Database) Bulk(ctx context.Context, docs iter.Seq2[*couch.Document, error], isReplicated func() (bool, error)) ([]couch.WriteResult, error) {
	j := &judge{db: db}
	replicated := false
	kind := func() (bool, error) {
		var err error
		replicated, err = isReplicated()
		return replicated, err
	}
	results, err := access.Write(ctx, docs, access.Either(db.Database.Bulk, kind), j.prepare)
	if err != nil {
		return nil, err
	}
	for i := range results {
		if v, ok := j.refusals[i]; ok {
			results[i].Err = v.result(replicated, results[i].Err)
		}
	}
	return results, nil
}

// judge judges the documents of a batch whose kind is not known yet.
type judge struct {
	db       *Database
	n        int             // documents so far
	refusals map[int]verdict // by their places, of those refused in one kind at least
}

// verdict is why a document is refused as an edit, and as a replicated one.
type verdict struct{ edit, replicated error }

// result returns what becomes of a document of which the store has said stored.
func (v verdict) result(replicated bool, stored error) error {
	switch {
	case replicated && v.replicated != nil:
		return v.replicated
	case !replicated && v.edit != nil:
		return v.edit
	}
	return stored
}

// prepare returns the document to store, which says in which kind of batch it is
// refused. One that is refused in both is a refusal.
func (j *judge) prepare(ctx context.Context, doc *couch.Document) (*couch.Document, error) {
	place := j.n
	j.n++
	v := verdict{j.db.judgeEdit(ctx, doc), j.db.judgeReplicated(ctx, doc)}
	var out *couch.Document
	if v.edit == nil || v.replicated == nil {
		hashed, err := j.db.hashed(ctx, doc)
		if err != nil {
			v = verdict{cmp.Or(v.edit, err), cmp.Or(v.replicated, err)}
		}
		out = hashed
	}
	if v == (verdict{}) {
		return out, nil
	}
	for _, err := range []error{v.edit, v.replicated} {
		if err != nil && !access.IsRefusal(err) {
			return nil, err
		}
	}
	if j.refusals == nil {
		j.refusals = make(map[int]verdict)
	}
	j.refusals[place] = v
	if v.edit != nil && v.replicated != nil {
		return nil, v.edit
	}
	marked := *out
	marked.NotInteractive, marked.NotReplicated = v.edit != nil, v.replicated != nil
	return &marked, nil
}
