package query

import (
	"context"
	"net/http"
	"strings"

	"settle/server/viewparams"
	"settle/server/web"
	"settle/storage/couch"
	"settle/storage/docjson"
	"settle/storage/view"
)

// View is a view of a design document, ready to be asked.
type View struct {
	index      *view.Index
	definition *view.Definition
	ref        view.Ref
}

// errUnknownView is the error of a name that is no view of its design document.
var errUnknownView = couch.Errorf(couch.NotFound, "missing_named_view")

// Open finds a view of a database. Errors: ErrNotFound and ErrDeleted of the design
// document, ErrNotFound of the view, those of the functions, and those of db.Get.
func (q *Queries) Open(ctx context.Context, db Database, design couch.DocID, name string) (*View, error) {
	doc, err := db.Get(ctx, design, couch.GetOptions{})
	if err != nil {
		return nil, err
	}
	return q.viewOf(db, doc, name)
}

func (q *Queries) viewOf(db Database, doc *couch.Document, name string) (*View, error) {
	definition, refs := view.ParseDesign(doc.Body.Text, db.Partitioned())
	ref, ok := refs[name]
	if !ok {
		return nil, errUnknownView
	}
	if err := knownLanguage(definition.Language); err != nil {
		return nil, err
	}
	index, err := q.indexes.Open(db.Whole(), definition, doc.ID)
	return &View{index, definition, ref}, err
}

// knownLanguage refuses a language that no functions are in. CouchDB answers 500.
func knownLanguage(language string) error {
	if language == view.Mango || strings.EqualFold(language, view.JavaScript) {
		return nil
	}
	return &web.Error{Status: http.StatusBadRequest, Name: "unknown_query_language", Reason: language}
}

// query answers a query of a view.
func (q *Queries) query(r *web.Request) error {
	db := web.DatabaseOf[Database](r)
	v, err := q.open(r)
	if err != nil {
		return err
	}
	p, err := params(r)
	if err == nil && r.Method == http.MethodPost {
		err = viewparams.ReadBody(r, func(body *docjson.Reader) error { return p.ReadQuery(body) })
	}
	if err != nil {
		return err
	}
	result, err := v.Query(r.Context(), db, &p)
	if err != nil {
		return err
	}
	// The tag is of the rows alone.
	taggable := r.Method != http.MethodPost && !p.IncludeDocs && !p.UpdateSeq
	if taggable && r.NotModified(entityTag(result, r.URL.RawQuery)) {
		return nil
	}
	if r.Method == http.MethodHead {
		return r.NewList("", "").Flush()
	}
	answer := r.NewList("", "")
	w := &writer{ctx: r.Context(), db: db, p: &p, out: answer.Begin()}
	if err := w.write(result); err != nil {
		return err
	}
	return answer.Close("\n")
}

// open finds the view that the path names.
func (q *Queries) open(r *web.Request) (*View, error) {
	doc, err := designOf(r)
	if err != nil {
		return nil, err
	}
	return q.viewOf(web.DatabaseOf[Database](r), doc, r.Param("view"))
}

// designOf reads the design document that the path names. Errors: those of db.Get, and of
// the partition that the path names, too.
func designOf(r *web.Request) (*couch.Document, error) {
	if _, err := viewparams.PathPartition(r); err != nil {
		return nil, err
	}
	return web.DatabaseOf[Database](r).Get(r.Context(), couch.DesignPrefix+r.DocID("design"), couch.GetOptions{})
}

// queries answers several queries of a view.
func (q *Queries) queries(r *web.Request) error {
	db := web.DatabaseOf[Database](r)
	v, err := q.open(r)
	if err != nil {
		return err
	}
	common, err := params(r)
	if err != nil {
		return err
	}
	var all []viewparams.Params
	err = viewparams.ReadBody(r, func(body *docjson.Reader) (err error) {
		all, err = viewparams.ReadQueries(body, common)
		return err
	})
	if err != nil {
		return err
	}
	for i := range all {
		if err := v.check(&all[i]); err != nil {
			return err
		}
	}
	answer := r.NewList("{\"results\":[\r\n", ",\r\n")
	for i := range all {
		result, err := v.Query(r.Context(), db, &all[i])
		if err != nil {
			return err
		}
		w := &writer{ctx: r.Context(), db: db, p: &all[i], out: answer.Begin()}
		if err := w.write(result); err != nil {
			return err
		}
	}
	return answer.Close("\r\n]}\n")
}
