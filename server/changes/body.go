package changes

import (
	"bytes"
	"cmp"
	"strings"

	"settle/server/viewparams"
	"settle/server/web"
	"settle/storage/couch"
	"settle/storage/docjson"
)

// maxShown bounds the body that a filter function sees: feeds that wait keep it.
const maxShown = 1 << 20

// shownBody reads the body of a POST, an object, for a filter function; nil where there
// is none.
func shownBody(r *web.Request) ([]byte, error) {
	if r.Method != "POST" {
		return nil, nil
	}
	if err := r.RequireJSON(); err != nil || r.ContentLength == 0 {
		return nil, err
	}
	text, err := r.ReadBody(maxShown)
	if err != nil {
		return nil, err
	}
	reader := docjson.NewReader(bytes.NewReader(text))
	if err := viewparams.RequireObject(reader); err != nil {
		return nil, err
	}
	if text, err = reader.Value(); err != nil {
		return nil, err
	}
	return text, reader.End()
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
