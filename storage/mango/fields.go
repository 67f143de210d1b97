package mango

import (
	"encoding/json"

	"settle/storage/collate/jsonscan"
	"settle/storage/couch"
)

// Fields says which fields of a document to show. It is safe for concurrent use.
type Fields struct {
	given []string   // as the list has them
	paths [][]string // none: the whole document
}

// ParseFields reads a list of field names from JSON as docjson prints it; it keeps
// no part of the text. An empty list shows whole documents.
//
// Errors are of the kinds InvalidFields (no list), InvalidField (not of strings),
// InvalidFieldName, BadRequest for what is no JSON or has more than 1,000 names, and
// RequestTooLarge for more than 2 MiB.
func ParseFields(fields []byte) (*Fields, error) {
	if len(fields) > maxSelector {
		return nil, errLength
	}
	if !json.Valid(fields) {
		return nil, errJSON
	}
	if jsonscan.KindOf(fields) != jsonscan.Array {
		return nil, couch.Errorf(couch.InvalidFields, "Fields must be an array of strings, not: %s", term(fields))
	}
	var f Fields
	for element := range jsonscan.Elements(fields) {
		name, ok := stringOf(element)
		if !ok {
			return nil, couch.Errorf(couch.InvalidField, "Invalid JSON for field spec: %s", term(element))
		}
		path, err := parsePath(name)
		if err != nil {
			return nil, err
		}
		f.given = append(f.given, name)
		if f.paths = append(f.paths, path); len(f.paths) > maxFields {
			return nil, errFields
		}
	}
	return &f, nil
}

// names are the fields as they were given; none for whole documents.
func (f *Fields) names() []string { return f.given }

// Append appends what the fields are of a document, whose JSON doc is: an object
// with the fields that the document has, in the order of the list, nested as their
// names are. An index of an array becomes a member's name.
func (f *Fields) Append(dst, doc []byte) []byte {
	if len(f.paths) == 0 {
		return append(dst, jsonscan.Value(doc)...)
	}
	var root shown
	for _, path := range f.paths {
		if value, _ := lookUp(doc, path); value != nil {
			root.set(path, jsonscan.Value(value))
		}
	}
	return root.append(dst)
}

// shown is a value to show: as it stands in the document, or put together of some
// of its members.
type shown struct {
	name    string
	value   []byte
	members []*shown
}

// set adds the value that stands at path. What is shown whole holds it already.
func (s *shown) set(path []string, value []byte) {
	for _, name := range path {
		if s.value != nil {
			return
		}
		s = s.member(name)
	}
	s.value, s.members = value, nil
}

func (s *shown) member(name string) *shown {
	for _, m := range s.members {
		if m.name == name {
			return m
		}
	}
	m := &shown{name: name}
	s.members = append(s.members, m)
	return m
}

func (s *shown) append(dst []byte) []byte {
	if s.value != nil {
		return append(dst, s.value...)
	}
	dst = append(dst, '{')
	for i, m := range s.members {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = m.append(append(appendString(dst, m.name), ':'))
	}
	return append(dst, '}')
}

// appendString prints a string as docjson does.
func appendString(dst []byte, s string) []byte {
	const hex = "0123456789ABCDEF"
	dst = append(dst, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c >= '\b' && c <= '\r' && c != '\v':
			dst = append(dst, '\\', "btnvfr"[c-'\b'])
		case c < ' ':
			dst = append(dst, `\u00`...)
			dst = append(dst, hex[c>>4], hex[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}
