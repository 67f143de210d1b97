package mango

import (
	"settle/storage/collate/jsonscan"
	"settle/storage/couch"
)

// Sort is the order of a result, or the columns of an index: names of fields, all
// in one direction.
type Sort struct {
	Fields     []string
	Descending bool
}

// ParseSort reads a list of field names, or of objects such as {"name": "desc"}.
// Errors are of the kinds InvalidSort, InvalidSortField and MixedSort.
func ParseSort(json []byte) (Sort, error) {
	var s Sort
	if jsonscan.KindOf(json) != jsonscan.Array {
		return s, couch.Errorf(couch.InvalidSort, "Sort must be an array of sort specs, not: %s", prettyTerm(json))
	}
	directions := make(map[bool]bool)
	for element := range jsonscan.Elements(json) {
		name, descending, ok := sortField(element)
		if !ok {
			return Sort{}, couch.Errorf(couch.InvalidSortField, "Invalid sort field: %s", prettyTerm(element))
		}
		directions[descending] = true
		if s.Fields = append(s.Fields, name); len(s.Fields) > maxFields {
			return Sort{}, errFields
		}
	}
	if len(directions) > 1 {
		return Sort{}, couch.Errorf(couch.MixedSort, "Sorts currently only support a single direction for all fields.")
	}
	s.Descending = directions[true]
	return s, nil
}

// once returns the fields without those that were there before. Columns of an index are
// members of an object, so that one name stands for one column.
func (s Sort) once() Sort {
	unique := Sort{Descending: s.Descending}
	seen := make(map[string]bool)
	for _, field := range s.Fields {
		if !seen[field] {
			seen[field] = true
			unique.Fields = append(unique.Fields, field)
		}
	}
	return unique
}

func sortField(json []byte) (name string, descending, ok bool) {
	if name, ok := stringOf(json); ok {
		return name, false, name != ""
	}
	n := 0
	for raw, value := range jsonscan.Members(json) {
		plain, valid := jsonscan.Unescape(nil, raw)
		direction, _ := stringOf(value)
		name, descending = string(plain), direction == "desc"
		ok = valid && (direction == "asc" || descending)
		n++
	}
	return name, descending, ok && n == 1
}

func (s Sort) direction() string {
	if s.Descending {
		return "desc"
	}
	return "asc"
}

// appendObject appends the fields as members of one object.
func (s Sort) appendObject(dst []byte) []byte {
	dst = append(dst, '{')
	for i, name := range s.Fields {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendString(append(appendString(dst, name), ':'), s.direction())
	}
	return append(dst, '}')
}

// appendList appends the fields as a list of objects of one member each.
func (s Sort) appendList(dst []byte) []byte {
	dst = append(dst, '[')
	for i, name := range s.Fields {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendString(append(dst, '{'), name), ':')
		dst = append(appendString(dst, s.direction()), '}')
	}
	return append(dst, ']')
}
