package changes

import (
	"cmp"
	"context"
	"net/url"
	"strings"

	"settle/server/web"
	"settle/storage/couch"
	"settle/storage/design"
	"settle/storage/docjson"
)

// filter chooses documents, by their ids or by what they say. In CouchDB a filter
// by ids looks the documents up instead of reading the feed, which shows in the
// feed's end: `last_seq` is then the database's newest, and `pending` counts rows
// not sent. The end of a feed that is read is at the last row that was read.
type filter struct {
	design    bool // all design documents
	events    bool // those that stand for an event of `_db_updates`
	ids       []couch.DocID
	set       map[couch.DocID]struct{} // ids, made when first needed
	selection *selection               // not nil: by what documents say
	function  function                 // not nil: by what a function says of them
}

// reads reports whether the filter looks into documents.
func (f *filter) reads() bool { return f.selection != nil || f.function != nil }

// matchesID reports whether a filter by ids lets a document pass.
func (f *filter) matchesID(id couch.DocID) bool {
	switch {
	case f.design:
		return id.IsDesign()
	case f.events:
		return isEvent(id)
	}
	if f.set == nil {
		f.set = make(map[couch.DocID]struct{}, len(f.ids))
		for _, id := range f.ids {
			f.set[id] = struct{}{}
		}
	}
	_, ok := f.set[id]
	return ok
}

var (
	errFilterForm    = couch.Errorf(couch.BadRequest, "`filter` must be of the form `designname/filtername`")
	errFilterUnknown = couch.Errorf(couch.BadRequest, "unknown builtin filter name")
	errViewMissing   = couch.Errorf(couch.BadRequest, "`view` filter parameter is not provided.")
	errViewForm      = couch.Errorf(couch.BadRequest, "`view` must be of the form `designname/viewname`")
	errSelectorPost  = couch.Errorf(couch.BadRequest, "Selector must be specified in POST payload")
	errSelectorForm  = couch.Errorf(couch.BadRequest, "Selector error: expected a JSON object")
	errFieldsForm    = couch.Errorf(couch.BadRequest, "Selector error: fields must be JSON array")
	errNoDocIDs      = couch.Errorf(couch.BadRequest, "`doc_ids` filter parameter is not a list of doc ids.")
)

// readFilter reads the filter that a request names, and the body, which may hold
// what the filter needs; nil where every document passes.
//
// Errors: BadContentType, BadRequest, RequestTooLarge, ErrNotFound or ErrDeleted
// where a design document is missing, or a *design.Error where its function is.
func (s *source) readFilter(r *web.Request, db Database, name string) (*filter, error) {
	if name != "" && name[0] != '_' && len(nameParts(name)) > 0 {
		return s.functionFilter(r, db, name)
	}
	body, err := readBody(r, name == "_selector")
	if err != nil {
		return nil, err
	}
	switch name {
	case "":
		return nil, nil
	case "_design":
		return &filter{design: true}, nil
	case "_doc_ids":
		if r.Method != "POST" {
			body, err = idsParameter(r.Query())
		}
		if err != nil || body.docIDs == nil {
			return nil, cmp.Or[error](err, errNoDocIDs)
		}
		return &filter{ids: body.docIDs}, nil
	case "_selector":
		if r.Method != "POST" {
			return nil, errSelectorPost
		}
		selection, err := newSelection(body.selector, body.fields)
		return &filter{selection: selection}, err
	case "_view":
		return s.viewFilter(r, db)
	}
	if name[0] == '_' {
		return nil, errFilterUnknown
	}
	return nil, nil // nothing but slashes
}

// viewFilter lets documents pass for which a view's map function emits something.
func (s *source) viewFilter(r *web.Request, db Database) (*filter, error) {
	name := r.Query().Get("view")
	if name == "" {
		return nil, errViewMissing
	}
	d, view, err := s.findDesign(r, db, name, errViewForm)
	if err != nil {
		return nil, err
	}
	return ready(r.Context(), func(ctx context.Context, docs [][]byte) ([]bool, error) {
		return d.FilterByView(ctx, view, docs)
	})
}

// functionFilter lets documents pass of which a filter function says so.
func (s *source) functionFilter(r *web.Request, db Database, name string) (*filter, error) {
	body, err := shownBody(r)
	if err != nil {
		return nil, err
	}
	d, filter, err := s.findDesign(r, db, name, errFilterForm)
	if err != nil {
		return nil, err
	}
	request, err := s.RequestObject(r, body)
	if err != nil {
		return nil, err
	}
	return ready(r.Context(), func(ctx context.Context, docs [][]byte) ([]bool, error) {
		return d.Filter(ctx, filter, docs, request)
	})
}

// ready returns the filter of a function, unless there is no such function.
func ready(ctx context.Context, f function) (*filter, error) {
	if _, err := f(ctx, nil); err != nil {
		return nil, err
	}
	return &filter{function: f}, nil
}

// findDesign opens the design document of a name "designname/function".
func (s *source) findDesign(r *web.Request, db Database, name string, errForm error) (d *design.Document, function string, err error) {
	parts := nameParts(name)
	if len(parts) != 2 {
		return nil, "", errForm
	}
	doc, err := db.Get(r.Context(), couch.DocID(couch.DesignPrefix+parts[0]), couch.GetOptions{})
	if err != nil {
		return nil, "", err
	}
	plain := *doc
	plain.Form = nil
	d, err = s.designs.open(db.Incarnation(), docjson.AppendDocument(nil, &plain, docjson.Print{}))
	return d, parts[1], err
}

// nameParts splits the name of a function. As in CouchDB slashes at its ends and
// doubled ones do not count, and the parts are unescaped once more.
func nameParts(name string) []string {
	parts := strings.FieldsFunc(name, func(c rune) bool { return c == '/' })
	for i, part := range parts {
		if plain, err := url.QueryUnescape(part); err == nil {
			parts[i] = plain
		}
	}
	return parts
}
