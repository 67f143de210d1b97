package changes

import (
	"errors"

	"settle/storage/couch"
	"settle/storage/docjson"
	"settle/storage/mango"
)

// selection lets revisions pass that a selector matches.
type selection struct {
	selector *mango.Selector
	fields   *mango.Fields // nil: documents are shown whole
}

// newSelection reads a selector and, unless it is nil, a list of fields to show.
// As in CouchDB every error is a BadRequest.
func newSelection(selector, fields []byte) (*selection, error) {
	if len(selector) == 0 || selector[0] != '{' {
		return nil, errSelectorForm
	}
	var s selection
	var err error
	if s.selector, err = mango.Parse(selector); err != nil {
		return nil, badRequest(err)
	}
	if fields == nil {
		return &s, nil
	}
	if fields[0] != '[' {
		return nil, errFieldsForm
	}
	if s.fields, err = mango.ParseFields(fields); err != nil {
		return nil, badRequest(err)
	}
	return &s, nil
}

func badRequest(err error) error {
	if mangoErr, ok := errors.AsType[*couch.Error](err); ok {
		return &couch.Error{Kind: couch.BadRequest, Reason: mangoErr.Reason}
	}
	return err
}

// choose leaves of a row the revisions that match, and reports whether there are
// any. The row's document is that of its first revision. A revision that is not
// stored any more does not match.
func (f *feed) choose(c *couch.Change) (bool, error) {
	revs := c.Revs
	c.Revs = nil
	for i, rev := range revs {
		doc := c.Doc
		if i > 0 {
			var err error
			if doc, err = f.read(c.ID, rev); err != nil {
				return false, err
			}
		}
		if doc != nil && f.filter.selection.matches(doc) {
			c.Revs = append(c.Revs, rev)
		}
	}
	return len(c.Revs) > 0, nil
}

func (s *selection) matches(doc *couch.Document) bool {
	bare := *doc
	bare.Conflicts, bare.DeletedConflicts, bare.Form = nil, nil, nil // which the feed may show, but no selector sees
	return withText(&bare, s.selector.Match)
}

// appendFields appends the fields of a document that are to be shown.
func (s *selection) appendFields(dst []byte, doc *couch.Document) []byte {
	return withText(doc, func(text []byte) []byte { return s.fields.Append(dst, text) })
}

// withText calls fn with the JSON of a document, which is only lent.
func withText[T any](doc *couch.Document, fn func(text []byte) T) T {
	buf := buffers.Get().(*[]byte)
	*buf = docjson.AppendDocument(*buf, doc, docjson.Print{})
	result := fn(*buf)
	*buf = (*buf)[:0]
	if cap(*buf) <= 2*holdBack {
		buffers.Put(buf)
	}
	return result
}
