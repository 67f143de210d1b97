package view

import (
	"context"
	"strings"

	"settle/storage/collate/jsonscan"
	"settle/storage/couch"
	"settle/storage/mango"
)

// fieldMapper maps documents by Mango's definitions: the key is the list of the
// fields' values. A document that has not all of the fields, or that the filter does
// not match, has no row.
type fieldMapper struct{ views []fieldView }

type fieldView struct {
	paths  [][]string
	filter *mango.Selector // nil: all documents
}

func newFieldMapper(d *Definition) (fieldMapper, error) {
	var m fieldMapper
	for _, v := range d.Views {
		view, err := parseFieldView([]byte(v.Map))
		if err != nil {
			return fieldMapper{}, err
		}
		m.views = append(m.views, view)
	}
	return m, nil
}

func parseFieldView(text []byte) (v fieldView, err error) {
	for raw := range jsonscan.Members(jsonscan.Member(text, "fields")) {
		name, _ := jsonscan.Unescape(nil, raw)
		v.paths = append(v.paths, splitPath(string(name)))
	}
	filter := jsonscan.Value(jsonscan.Member(text, "partial_filter_selector"))
	if jsonscan.KindOf(filter) == jsonscan.Object {
		v.filter, err = mango.Parse(filter)
	}
	return v, err
}

// splitPath splits a field's name at its dots; one behind a backslash is a dot of the
// name.
func splitPath(name string) []string {
	var parts []string
	var part strings.Builder
	for i := 0; i < len(name); i++ {
		switch {
		case name[i] == '\\' && i+1 < len(name) && name[i+1] == '.':
			part.WriteByte('.')
			i++
		case name[i] == '.':
			parts = append(parts, part.String())
			part.Reset()
		default:
			part.WriteByte(name[i])
		}
	}
	return append(parts, part.String())
}

// Map implements Mapper.
func (m fieldMapper) Map(ctx context.Context, docs [][]byte) ([][][]Emitted, error) {
	out := make([][][]Emitted, len(docs))
	for i, doc := range docs {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		out[i] = make([][]Emitted, len(m.views))
		for j, v := range m.views {
			if key, ok := v.key(doc); ok {
				out[i][j] = []Emitted{{Key: string(key), Value: "null"}}
			}
		}
	}
	return out, nil
}

func (v fieldView) key(doc []byte) ([]byte, bool) {
	key := []byte{'['}
	for i, path := range v.paths {
		value := fieldAt(doc, path)
		if value == nil {
			return nil, false
		}
		if i > 0 {
			key = append(key, ',')
		}
		key = append(key, value...)
	}
	if v.filter != nil && !v.filter.Match(doc) {
		return nil, false
	}
	return append(key, ']'), true
}

// fieldAt returns the value at a path; nil where there is none.
func fieldAt(doc []byte, path []string) []byte {
	for _, name := range path {
		if doc = jsonscan.Member(doc, name); doc == nil {
			return nil
		}
	}
	return jsonscan.Value(doc)
}

var _ Mapper = fieldMapper{}

// FieldsDefinition is a definition of one Mango index: fields is JSON, an object of
// the fields' names in order, filter a selector or nil.
func FieldsDefinition(fields, filter []byte, partitioned bool) (*Definition, error) {
	text := append([]byte(`{"fields":`), fields...)
	if filter != nil {
		text = append(append(text, `,"partial_filter_selector":`...), filter...)
	}
	text = compact(append(text, '}'))
	if jsonscan.KindOf(jsonscan.Member(text, "fields")) != jsonscan.Object {
		return nil, couch.Errorf(couch.BadRequest, "the fields of an index are no object")
	}
	return &Definition{Language: Mango, Partitioned: partitioned, Views: []ViewDefinition{{Map: string(text), Reduces: []string{"_count"}}}}, nil
}
