package view

import (
	"context"

	"settle/storage/collate/jsonscan"
	"settle/storage/couch"
	"settle/storage/mango"
)

// fieldMapper maps documents by Mango's definitions: the key is the list of the
// fields' values. A document that has not all of the fields, or that the filter does
// not match, has no row.
type fieldMapper struct{ views []*mango.Index }

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

func parseFieldView(text []byte) (x *mango.Index, err error) {
	x = new(mango.Index)
	for raw := range jsonscan.Members(jsonscan.Member(text, "fields")) {
		name, _ := jsonscan.Unescape(nil, raw)
		x.Columns.Fields = append(x.Columns.Fields, string(name))
	}
	filter := jsonscan.Value(jsonscan.Member(text, "partial_filter_selector"))
	if jsonscan.KindOf(filter) == jsonscan.Object {
		x.Partial, err = mango.Parse(filter)
	}
	return x, err
}

// Close implements Mapper.
func (fieldMapper) Close() {}

// Map implements Mapper.
func (m fieldMapper) Map(ctx context.Context, docs [][]byte) ([][][]Emitted, error) {
	out := make([][][]Emitted, len(docs))
	for i, doc := range docs {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		out[i] = make([][]Emitted, len(m.views))
		for j, x := range m.views {
			if key, ok := x.AppendKey(nil, doc); ok {
				out[i][j] = []Emitted{{Key: string(key), Value: "null"}}
			}
		}
	}
	return out, nil
}

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
