package query

import (
	"context"
	"crypto/sha256"
	"encoding/base64"

	"settle/server/viewparams"
	"settle/server/web"
	"settle/storage/couch"
	"settle/storage/view"
)

// params reads the query of a request, and the partition of its path.
func params(r *web.Request) (viewparams.Params, error) {
	p, err := viewparams.FromViewQuery(r.Query())
	p.Within(r.Param("partition"))
	return p, err
}

// Query asks the view. Documents that it includes are read from db. Errors are of the
// kinds QueryParse, BadRequest and IllegalPartition, and those of the functions.
func (v *View) Query(ctx context.Context, db Database, p *viewparams.Params) (*view.Result, error) {
	if err := v.check(p); err != nil {
		return nil, err
	}
	q := queryOf(p)
	q.Docs = db
	return v.index.Query(ctx, v.ref, q)
}

func (v *View) check(p *viewparams.Params) error {
	if err := p.CheckLimit(); err != nil {
		return err
	}
	if v.ref.Reduce >= 0 && (p.Reduce == nil || *p.Reduce) {
		if err := p.CheckReduce(); err != nil {
			return err
		}
	}
	return queryOf(p).Validate(v.definition, v.ref)
}

// queryOf puts parameters in the terms of the index.
func queryOf(p *viewparams.Params) *view.Query {
	q := &view.Query{
		ExclusiveEnd: p.ExclusiveEnd, Descending: p.Descending, Skip: int64(p.Skip), Limit: int64(p.Limit),
		Reduce: p.Reduce, Group: p.Grouped(), GroupLevel: int64(p.GroupLevel),
		Partition: p.Partition, Update: updateMode(p), IncludeDocs: p.IncludeDocs, Doc: p.DocOptions(),
	}
	if p.HasKeys {
		q.Keys = make([][]byte, len(p.Keys))
		for i, key := range p.Keys {
			q.Keys[i] = key.Text
		}
	}
	if p.Start != nil {
		q.Start, q.StartDoc = p.Start.Text, docID(p.StartID)
	}
	if p.End != nil {
		q.End, q.EndDoc = p.End.Text, docID(p.EndID)
	}
	return q
}

func docID(text string) *couch.DocID {
	if text == "" {
		return nil
	}
	id := couch.DocID(text)
	return &id
}

// updateMode is when the index is brought up to date.
func updateMode(p *viewparams.Params) view.UpdateMode {
	switch p.Update {
	case "false":
		return view.UpdateFalse
	case "lazy":
		return view.UpdateLazy
	}
	return view.UpdateTrue
}

// entityTag names the rows that a query of a view gives.
func entityTag(result *view.Result, query string) string {
	sum := sha256.Sum256([]byte(result.Tag + "?" + query))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}
