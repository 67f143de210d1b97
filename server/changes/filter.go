package changes

import (
	"cmp"
	"context"
	"net/url"
	"strings"

	"settle/server/viewparams"
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
	switch {
	case name[0] == '_':
		return nil, errFilterUnknown
	case len(nameParts(name)) == 0:
		return nil, nil
	}
	return s.functionFilter(r, db, name)
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
	d, filter, err := s.findDesign(r, db, name, errFilterForm)
	if err != nil {
		return nil, err
	}
	request, err := s.RequestObject(r)
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

// body is what a feed's request may bring for its filter.
type body struct {
	docIDs   []couch.DocID // nil: none, or no list of strings
	selector []byte        // JSON; nil: none, or not asked for
	fields   []byte        // as selector
}

// readBody reads the body of a POST, which may be empty. selector says whether
// to keep the selector.
func readBody(r *web.Request, selector bool) (body, error) {
	var b body
	if r.Method != "POST" {
		return b, nil
	}
	if err := r.RequireJSON(); err != nil {
		return b, err
	}
	if r.ContentLength == 0 {
		return b, nil
	}
	stream, err := r.OpenBody()
	if err != nil {
		return b, err
	}
	reader := docjson.NewReader(stream)
	if err := b.read(reader, selector); err != nil {
		return b, err
	}
	return b, reader.End()
}

func (b *body) read(r *docjson.Reader, selector bool) error {
	if err := viewparams.RequireObject(r); err != nil {
		return err
	}
	for name, err := range r.Members() {
		if err != nil {
			return err
		}
		switch {
		case name == "doc_ids":
			b.docIDs, err = readIDs(r)
		case name == "selector" && selector:
			b.selector, err = r.Value()
		case name == "fields" && selector:
			b.fields, err = r.Value()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// idsParameter reads the query parameter doc_ids.
func idsParameter(q web.Query) (body, error) {
	text, ok := q.Lookup("doc_ids")
	if !ok {
		return body{}, nil
	}
	r := docjson.NewReader(strings.NewReader(text))
	ids, err := readIDs(r)
	if err == nil {
		err = r.End()
	}
	return body{docIDs: ids}, err
}

// maxIDs bounds the ids of one filter, in bytes.
const maxIDs = 16 << 20

// readIDs reads the list of strings at which r stands; nil where it is none.
func readIDs(r *docjson.Reader) ([]couch.DocID, error) {
	if kind, err := r.Kind(); err != nil || kind != docjson.Array {
		return nil, cmp.Or(err, r.Skip())
	}
	ids, size, isList := []couch.DocID{}, 0, true
	for _, err := range r.Elements() {
		if err != nil {
			return nil, err
		}
		kind, err := r.Kind()
		if err != nil {
			return nil, err
		}
		if kind != docjson.String {
			isList = false
			continue
		}
		id, err := r.String()
		if err != nil {
			return nil, err
		}
		if size += len(id) + 16; size > maxIDs {
			return nil, &couch.Error{Kind: couch.RequestTooLarge}
		}
		ids = append(ids, couch.DocID(id))
	}
	if !isList {
		return nil, nil
	}
	return ids, nil
}
