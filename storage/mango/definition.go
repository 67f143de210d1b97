package mango

import (
	"cmp"
	"slices"
	"strings"

	"settle/storage/collate/jsonscan"
	"settle/storage/couch"
)

// Definition is an index that is to be made.
type Definition struct {
	Design      couch.DocID
	Name        string
	columns     Sort
	partial     []byte // the selector as it is stored
	given       []byte // the definition as the client gave it
	partitioned []byte // true or false; nil: what the database is
}

// ParseDefinition reads the body of `POST /{db}/_index`, as docjson prints it. A
// design document or a name that is not given is a hash of the definition, so that
// the same definition names the same index.
//
// Errors are those of [ParseSort] and [Parse], and of the kinds MissingKey,
// InvalidKey, InvalidString, EmptyString, InvalidPositive, InvalidValue, InvalidIndex
// and, for indexes of text, NoIndexService.
func ParseDefinition(body []byte) (*Definition, error) {
	r := parseRequest(body)
	g := given{index: r.need("index"), kind: []byte(`"json"`)}
	d := &Definition{given: g.index}
	kind, design := "json", ""
	parse(r, r.keep("type", &g.kind), &kind, parseString)
	parse(r, r.keep("name", &g.name), &d.Name, parseName)
	parse(r, r.keep("ddoc", &g.design), &design, parseName)
	g.w = r.positive("w", 2)
	parse(r, r.take("partitioned"), &g.partitioned, parsePartitioned)
	if err := r.end(); err != nil {
		return nil, err
	}
	if err := checkKind(kind); err != nil {
		return nil, err
	}
	d.partitioned = g.partitioned
	if err := d.parseGiven(); err != nil {
		return nil, err
	}
	return d, d.setNames(design, g)
}

// setNames names the index and its design document; a hash stands for what has no name.
func (d *Definition) setNames(design string, g given) error {
	hash, err := g.hash()
	d.Name = cmp.Or(d.Name, hash)
	d.Design = designID(cmp.Or(design, hash))
	return err
}

// designID is the id of a design document that may be named without what all
// their ids begin with.
func designID(name string) couch.DocID {
	const prefix = "_design/"
	return couch.DocID(prefix + strings.TrimPrefix(name, prefix))
}

func checkKind(kind string) error {
	switch kind {
	case "json":
		return nil
	case "text", "nouveau":
		return couch.Errorf(couch.NoIndexService, "%s", kind)
	}
	return couch.Errorf(couch.InvalidIndex, "Invalid type for index: %s", cut(kind))
}

// parseGiven reads what the index is to hold.
func (d *Definition) parseGiven() error {
	if jsonscan.KindOf(d.given) != jsonscan.Object {
		return couch.Errorf(couch.InvalidIndex, "JSON indexes must be an object, not: %s", term(d.given))
	}
	all, err := membersOf(d.given)
	r := &request{members: all, err: err}
	parse(r, r.need("fields"), &d.columns, ParseSort)
	d.columns = d.columns.once()
	var partial *Selector
	parse(r, r.take("partial_filter_selector"), &partial, Parse)
	if err := r.end(); err != nil {
		return err
	}
	d.partial = []byte("{}")
	if partial != nil {
		d.partial = partial.AppendJSON(nil)
	}
	return nil
}

func parseString(json []byte) (string, error) {
	text, ok := stringOf(json)
	if !ok {
		return "", couch.Errorf(couch.InvalidString, "Invalid string: %s", term(json))
	}
	return text, nil
}

func parseName(json []byte) (string, error) {
	name, err := parseString(json)
	if err == nil && name == "" {
		err = couch.Errorf(couch.EmptyString, "Index name or ddoc cannot be empty string")
	}
	return name, err
}

func parsePartitioned(json []byte) ([]byte, error) {
	switch jsonscan.KindOf(json) {
	case jsonscan.True, jsonscan.False:
		return json, nil
	}
	return nil, couch.Errorf(couch.InvalidValue, "Invalid value for partitioned: %s", term(json))
}

// AddTo returns the body of the design document with the index added, where body is
// what it holds now: nil where there is none. It reports whether that is a change.
// Errors: InvalidIndexLanguage, InvalidPartitioned.
func (d *Definition) AddTo(body []byte) (_ []byte, changed bool, err error) {
	all, err := membersOf(body)
	if err != nil {
		return nil, false, err
	}
	if body == nil {
		all = []member{{"language", []byte(`"` + queryLanguage + `"`)}}
	}
	if language, _ := stringOf(get(all, "language")); language != queryLanguage {
		return nil, false, invalidLanguage(get(all, "language"))
	}
	views, err := membersOf(get(all, "views"))
	if err != nil {
		return nil, false, err
	}
	all = set(slices.Clone(all), "views", appendMembers(nil, set(views, d.Name, d.view())))
	options := jsonscan.Value(jsonscan.Member(get(all, "options"), "partitioned"))
	switch {
	case string(options) == string(d.partitioned): // or neither says anything
	case body != nil:
		return nil, false, couch.Errorf(couch.InvalidPartitioned, "Requested partitioned option does not match existing value on design document %s", d.Design)
	default:
		all = set(all, "options", appendMembers(nil, []member{{"partitioned", d.partitioned}}))
	}
	text := appendMembers(nil, all)
	return text, string(text) != string(body), nil
}

func (d *Definition) view() []byte {
	mapped := append(d.columns.appendObject([]byte(`{"fields":`)), `,"partial_filter_selector":`...)
	mapped = append(append(mapped, d.partial...), '}')
	return appendMembers(nil, []member{
		{"map", mapped},
		{"reduce", []byte(`"_count"`)},
		{"options", appendMembers(nil, []member{{"def", d.given}})},
	})
}

// RemoveFrom returns the body of a design document without one of its indexes; nil
// where nothing is left and the document is to be deleted. The error is ErrNotFound.
func RemoveFrom(body []byte, name string) ([]byte, error) {
	all, err := membersOf(body)
	if err != nil {
		return nil, err
	}
	views, err := membersOf(get(all, "views"))
	if err != nil {
		return nil, err
	}
	if get(views, name) == nil {
		return nil, couch.ErrNotFound
	}
	views = remove(views, name)
	if len(views) > 0 {
		return appendMembers(nil, set(all, "views", appendMembers(nil, views))), nil
	}
	all = remove(all, "views")
	if len(all) == 1 && all[0].name == "language" {
		return nil, nil
	}
	return appendMembers(nil, all), nil
}

// ParseBulkDelete reads the body of `_index/_bulk_delete`: the ids of design
// documents. Errors are of the kinds MissingKey, InvalidKey, InvalidPositive,
// InvalidIndexName and InvalidBulkDelete.
func ParseBulkDelete(body []byte) ([]couch.DocID, error) {
	r := parseRequest(body)
	var ids []couch.DocID
	parse(r, r.need("docids"), &ids, parseDesigns)
	r.positive("w", 2)
	return ids, r.end()
}

func parseDesigns(json []byte) ([]couch.DocID, error) {
	if jsonscan.KindOf(json) != jsonscan.Array {
		return nil, couch.Errorf(couch.InvalidBulkDelete, "Bulk Delete requires an array of non-null docids. Docids: %s", term(json))
	}
	var ids []couch.DocID
	for element := range jsonscan.Elements(json) {
		name, ok := stringOf(element)
		if !ok || splitIndexName(name) == nil {
			return nil, couch.Errorf(couch.InvalidIndexName, "Invalid index name: %s", term(element))
		}
		ids = append(ids, designID(name))
	}
	return ids, nil
}
