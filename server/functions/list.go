package functions

import (
	"bytes"
	"io"
	"iter"
	"net/http"
	"slices"

	"settle/server/databases"
	"settle/server/query"
	"settle/server/viewparams"
	"settle/server/web"
	"settle/storage/couch"
	"settle/storage/design"
	"settle/storage/docjson"
	"settle/storage/view"
)

// list answers with what a list function makes of the rows of a view, of its own design
// document or of another.
func (f *Functions) list(r *web.Request) error {
	d, _, err := f.designOf(r)
	if err != nil {
		return err
	}
	if err := d.Has("lists", r.Param("name")); err != nil {
		return err
	}
	db := web.DatabaseOf[Database](r)
	p, body, err := listParams(r)
	if err != nil {
		return err
	}
	req, err := object{r: r, body: body, json: true}.append(nil)
	if err != nil {
		return err
	}
	if r.Param("view") == "_all_docs" {
		return f.listDocuments(r, d, design.Listing{Req: req}, &p)
	}
	owner := r.Param("other")
	if owner == "" {
		owner = r.Param("design")
	}
	v, err := f.queries.Open(r.Context(), db, couch.DocID(couch.DesignPrefix+owner), r.Param("view"))
	if err != nil {
		return err
	}
	result, err := v.Query(r.Context(), db, &p)
	if err != nil {
		return err
	}
	head := bytes.TrimSuffix(query.AppendHead(nil, db, &p, result), []byte(","))
	return f.run(r, d, design.Listing{Head: append(head, '}'), Req: req, Rows: rows(r, result, &p)})
}

// listDocuments answers with what a list function makes of the rows of all documents.
func (f *Functions) listDocuments(r *web.Request, d *design.Document, l design.Listing, p *viewparams.Params) (err error) {
	if slices.Contains(couch.SystemDatabases, web.DatabaseOf[Database](r).Name()) && !r.Session.IsServerAdmin() {
		return errNotServerAdmin
	}
	if l.Head, l.Rows, err = databases.ListAllDocs(r, p); err != nil {
		return err
	}
	return f.run(r, d, l)
}

// errNotServerAdmin is the answer to others who would list the accounts, or what they
// have the server replicate.
var errNotServerAdmin = couch.Errorf(couch.Unauthorized, "You are not a server admin.")

// listParams reads the parameters of the view from the query, and `keys` from the body,
// which the function sees too.
func listParams(r *web.Request) (viewparams.Params, []byte, error) {
	p, err := viewparams.FromViewQuery(r.Query())
	p.Within(r.Param("partition"))
	if err != nil || r.Method != http.MethodPost {
		return p, nil, err
	}
	if err := r.RequireJSON(); err != nil {
		return p, nil, err
	}
	body, err := readBody(r)
	if err != nil {
		return p, nil, err
	}
	reader := docjson.NewReader(bytes.NewReader(body))
	if err := viewparams.RequireObject(reader); err != nil {
		return p, nil, err
	}
	if err := readKeys(reader, &p); err != nil {
		return p, nil, err
	}
	return p, body, reader.End()
}

// readKeys reads `keys` of the object at which the reader stands, unless the query has
// them. The other members are the function's.
func readKeys(reader *docjson.Reader, p *viewparams.Params) error {
	given := p.HasKeys
	for name, err := range reader.Members() {
		if err != nil {
			return err
		}
		if name != "keys" || given {
			continue
		}
		p.HasKeys = true
		if p.Keys, err = viewparams.ReadKeys(reader, errKeys); err != nil {
			return err
		}
	}
	return nil
}

var errKeys = couch.Errorf(couch.BadRequest, "`keys` body member must be an array.")

// rows prints the rows of a view for a list function.
func rows(r *web.Request, result *view.Result, p *viewparams.Params) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		var text design.RowText
		for row, err := range result.Rows {
			if err == nil {
				text = query.AppendRow(text[:0], &row, result.Reduced)
				err = appendDoc(r, &text, row.Doc, p)
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(append(text, '}'), nil) {
				return
			}
		}
	}
}

// appendDoc adds the document of a row to it, where documents are asked for.
func appendDoc(r *web.Request, text *design.RowText, doc *couch.Document, p *viewparams.Params) error {
	if !p.IncludeDocs {
		return nil
	}
	*text = append(*text, `,"doc":`...)
	if doc == nil {
		*text = append(*text, "null"...)
		return nil
	}
	if !p.Attachments {
		*text = docjson.AppendDocument(*text, doc, docjson.Print{})
		return nil
	}
	open := func(a *couch.Attachment) (io.ReadCloser, error) {
		return web.DatabaseOf[Database](r).ReadBlob(r.Context(), *a, 0, -1)
	}
	return docjson.WriteDocument(text, doc, docjson.Print{Open: open})
}
