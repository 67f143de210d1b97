package design

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// member is one step of a path in a design document: a name, "*" for any, and the
// types that the value may have.
type member struct {
	name  string
	types []string
}

var (
	anObject = []string{"object"}
	aString  = []string{"string"}
	aBoolean = []string{"boolean"}
	function = []string{"string", "object"}
)

// shape is what the members of a design document must be, where they are there at
// all, in the order that they are looked at. Source: couch_mrview:validate_ddoc_fields.
func shape(language string) [][]member {
	mapType := aString
	if language == "query" {
		mapType = anObject
	}
	return [][]member{
		{{"filters", anObject}, {"*", function}},
		{{"language", aString}},
		{{"lists", anObject}, {"*", function}},
		{{"options", anObject}, {"include_design", aBoolean}},
		{{"options", anObject}, {"local_seq", aBoolean}},
		{{"options", anObject}, {"partitioned", aBoolean}},
		{{"rewrites", []string{"array", "string"}}},
		{{"shows", anObject}, {"*", function}},
		{{"updates", anObject}, {"*", function}},
		{{"validate_doc_update", aString}},
		{{"views", anObject}, {"lib", anObject}},
		{{"views", anObject}, {"*", anObject}, {"map", mapType}},
		{{"views", anObject}, {"*", anObject}, {"reduce", aString}},
	}
}

// CheckShape checks the types of a design document's members, that every view has
// a map function, and that built-in reduce functions exist, as CouchDB does before
// it stores a design document. The error is an *Error, InvalidDesignDoc.
func (d *Document) CheckShape() error {
	for _, path := range shape(d.language) {
		if err := checkMembers(d.members, path, ""); err != nil {
			return err
		}
	}
	return d.checkViewMembers()
}

func checkMembers(o object, path []member, at string) error {
	for _, m := range o {
		if path[0].name != "*" && path[0].name != m.name {
			continue
		}
		if !slices.Contains(path[0].types, typeOf(m.value)) {
			return newError(InvalidDesignDoc, fmt.Sprintf("`%s%s` field must have %s type", at, m.name, strings.Join(path[0].types, " or ")))
		}
		if len(path) == 1 {
			continue
		}
		inner, err := parseObject(m.value)
		if err != nil {
			continue // a source where others have an object of sources
		}
		if err := checkMembers(inner, path[1:], at+m.name+"."); err != nil {
			return err
		}
	}
	return nil
}

func (d *Document) checkViewMembers() error {
	text, ok := d.members.get("views")
	if !ok {
		return nil
	}
	views, err := parseObject(text)
	if err != nil {
		return nil
	}
	for _, v := range views {
		if v.name == "lib" {
			continue
		}
		if view, err := parseObject(v.value); err == nil {
			if _, ok := view.get("map"); !ok {
				return newError(InvalidDesignDoc, fmt.Sprintf("View `%s` must contain map function", v.name))
			}
		}
	}
	if d.javaScript() != nil {
		return nil // nobody knows what is built in there
	}
	all, _ := d.Views()
	for _, v := range all {
		if strings.HasPrefix(v.Reduce, "_") && !isBuiltIn(v.Reduce) {
			return newError(InvalidDesignDoc, fmt.Sprintf("`%s` is not a supported reduce function.", v.Reduce))
		}
	}
	return nil
}

// maxRank is the greatest N of _top_N and _bottom_N.
const maxRank = 100

func isBuiltIn(reduce string) bool {
	for _, prefix := range []string{"_top_", "_bottom_"} {
		if digits, ok := strings.CutPrefix(reduce, prefix); ok {
			n, err := strconv.Atoi(digits)
			return err == nil && n >= 1 && n <= maxRank
		}
	}
	return slices.ContainsFunc([]string{"_sum", "_count", "_stats", "_approx_count_distinct", "_first", "_last"},
		func(name string) bool { return strings.HasPrefix(reduce, name) })
}

func typeOf(value []byte) string {
	switch value[0] {
	case '{':
		return "object"
	case '[':
		return "array"
	case '"':
		return "string"
	case 't', 'f':
		return "boolean"
	case 'n':
		return "null"
	}
	return "number"
}
