// Package params reads the options of a view query, as they stand in a request's query
// and in its body, with CouchDB's errors. It is pure.
//
// Source: couch_mrview_http:parse_params.
package params

import (
	"encoding/json"
	"strconv"
	"strings"

	"settle/storage/collate/jsonscan"
	"settle/storage/couch"
	"settle/storage/view"
)

// Params are the options of a query, and those that only the printed answer needs.
type Params struct {
	Query           view.Query
	UpdateSeq       bool // `update_seq`: the answer says where the index is
	Attachments     bool // `attachments`: documents have their attachments inline
	AttEncodingInfo bool // `att_encoding_info`
}

// New returns the options of a request that gives none.
func New() Params { return Params{Query: view.Query{Limit: -1}} }

func invalid(format string, args ...any) error {
	return couch.Errorf(couch.QueryParse, format, args...)
}

// AddQuery adds an option of the request's query. Names that are no options count as
// nothing, as does a later one of the same name: the later value wins. Errors are of
// the kinds QueryParse, and BadRequest for what should be JSON.
func (p *Params) AddQuery(name, value string) error {
	o := option{name: name, text: value, shown: strconv.Quote(value)}
	if value == "" {
		o.shown = "[]" // an empty string of Erlang's
	}
	return p.add(o)
}

// AddMember adds a member of the body, or of one of its `queries`; value is its JSON,
// as docjson prints it. Errors are those of AddQuery.
func (p *Params) AddMember(name string, value []byte) error {
	o := option{name: name, isJSON: true, json: value, text: string(value), shown: string(value)}
	if jsonscan.KindOf(value) == jsonscan.String {
		var s string
		if err := json.Unmarshal(value, &s); err != nil {
			return errJSON
		}
		o.text, o.shown = s, "<<"+strconv.Quote(s)+">>"
	}
	return p.add(o)
}

var errJSON = couch.Errorf(couch.BadRequest, "invalid UTF-8 JSON")

// option is one that is given.
type option struct {
	name   string
	isJSON bool
	json   []byte // where isJSON
	text   string // the value; of a JSON string what it holds
	shown  string // as errors show it
}

// key returns the value as JSON.
func (o option) key() ([]byte, error) {
	text := []byte(o.text)
	if o.isJSON {
		text = o.json
	}
	var compact json.RawMessage
	if json.Unmarshal(text, &compact) != nil {
		return nil, errJSON
	}
	return compact, nil
}

func (o option) boolean() (bool, error) {
	switch strings.ToLower(o.text) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, invalid("Invalid boolean parameter: %s", o.shown)
}

func (o option) count() (int64, error) {
	n, err := strconv.ParseInt(o.text, 10, 64)
	switch {
	case err != nil:
		return 0, invalid("Invalid value for integer: %s", o.shown)
	case n < 0:
		return 0, invalid("Invalid value for positive integer: %s", o.shown)
	}
	return n, nil
}

func (o option) docID() (*couch.DocID, error) {
	if o.isJSON && jsonscan.KindOf(o.json) != jsonscan.String {
		side, _, _ := strings.Cut(o.name, "key")
		return nil, invalid("`%s_key_docid` must be a string.", strings.TrimSuffix(side, "_"))
	}
	id := couch.DocID(o.text)
	return &id, nil
}

func (p *Params) add(o option) error {
	set := setters[o.name]
	if set == nil {
		return nil
	}
	if o.isJSON && jsonscan.KindOf(o.json) == jsonscan.Null && !isKey[o.name] {
		return invalid("Invalid value for `%s`.", o.name)
	}
	return set(p, o)
}

// isKey are the options of which null is a value.
var isKey = map[string]bool{"key": true, "startkey": true, "start_key": true, "endkey": true, "end_key": true}

// assign makes a setter of a place and what reads the value.
func assign[T any](place func(*Params) *T, read func(option) (T, error)) func(*Params, option) error {
	return func(p *Params, o option) error {
		v, err := read(o)
		if err == nil {
			*place(p) = v
		}
		return err
	}
}

func booleans(place func(*Params) *bool) func(*Params, option) error {
	return assign(place, option.boolean)
}

func counts(place func(*Params) *int64) func(*Params, option) error {
	return assign(place, option.count)
}

var (
	setStart    = assign(func(p *Params) *[]byte { return &p.Query.Start }, option.key)
	setEnd      = assign(func(p *Params) *[]byte { return &p.Query.End }, option.key)
	setStartDoc = assign(func(p *Params) **couch.DocID { return &p.Query.StartDoc }, option.docID)
	setEndDoc   = assign(func(p *Params) **couch.DocID { return &p.Query.EndDoc }, option.docID)
)

// setters are the options, by name.
var setters = map[string]func(*Params, option) error{
	"key": setKey, "keys": setKeys,
	"startkey": setStart, "start_key": setStart, "endkey": setEnd, "end_key": setEnd,
	"startkey_docid": setStartDoc, "start_key_doc_id": setStartDoc,
	"endkey_docid": setEndDoc, "end_key_doc_id": setEndDoc,
	"inclusive_end": func(p *Params, o option) error {
		inclusive, err := o.boolean()
		p.Query.ExclusiveEnd = !inclusive
		return err
	},
	"descending":        booleans(func(p *Params) *bool { return &p.Query.Descending }),
	"limit":             counts(func(p *Params) *int64 { return &p.Query.Limit }),
	"skip":              counts(func(p *Params) *int64 { return &p.Query.Skip }),
	"group":             setGroup,
	"group_level":       setGroupLevel,
	"reduce":            setReduce,
	"include_docs":      booleans(func(p *Params) *bool { return &p.Query.IncludeDocs }),
	"conflicts":         booleans(func(p *Params) *bool { return &p.Query.Doc.Conflicts }),
	"attachments":       booleans(func(p *Params) *bool { return &p.Attachments }),
	"att_encoding_info": booleans(func(p *Params) *bool { return &p.AttEncodingInfo }),
	"update_seq":        booleans(func(p *Params) *bool { return &p.UpdateSeq }),
	"sorted":            func(_ *Params, o option) error { _, err := o.boolean(); return err },
	"stable":            checkStable,
	"update":            setUpdate,
	"stale":             setStale,
	"partition":         func(p *Params, o option) error { p.Query.Partition = o.text; return nil },
}

func setKey(p *Params, o option) error {
	key, err := o.key()
	if err == nil {
		p.Query.Start, p.Query.End = key, key
	}
	return err
}

func setKeys(p *Params, o option) error {
	list, err := o.key()
	if err != nil {
		return err
	}
	if jsonscan.KindOf(list) != jsonscan.Array {
		return couch.Errorf(couch.BadRequest, "`keys` member must be an array.")
	}
	p.Query.Keys = [][]byte{}
	for rest := range jsonscan.Elements(list) {
		p.Query.Keys = append(p.Query.Keys, jsonscan.Value(rest))
	}
	return nil
}

func setGroup(p *Params, o option) error {
	group, err := o.boolean()
	if err == nil {
		p.Query.Group, p.Query.GroupLevel = group, 0
	}
	return err
}

func setGroupLevel(p *Params, o option) error {
	n, err := o.count()
	if err == nil {
		p.Query.Group, p.Query.GroupLevel = false, n
	}
	return err
}

func setReduce(p *Params, o option) error {
	reduce, err := o.boolean()
	if err == nil {
		p.Query.Reduce = &reduce
	}
	return err
}

func checkStable(_ *Params, o option) error {
	if o.text != "true" && o.text != "false" {
		return invalid("Invalid value for `stable`.")
	}
	return nil
}

func setUpdate(p *Params, o option) error {
	switch o.text {
	case "true":
		p.Query.Update = view.UpdateTrue
	case "false":
		p.Query.Update = view.UpdateFalse
	case "lazy":
		p.Query.Update = view.UpdateLazy
	default:
		return invalid("Invalid value for `update`.")
	}
	return nil
}

func setStale(p *Params, o option) error {
	switch o.text {
	case "ok":
		p.Query.Update = view.UpdateFalse
	case "update_after":
		p.Query.Update = view.UpdateLazy
	default:
		return invalid("Invalid value for `stale`.")
	}
	return nil
}

// Queries reads the options of a body's `queries`, each on top of those of the
// request. Errors are BadRequest, and those of AddMember.
func Queries(base Params, body []byte) ([]Params, error) {
	queries := jsonscan.Member(body, "queries")
	switch jsonscan.KindOf(queries) {
	case jsonscan.Array:
	case jsonscan.Invalid:
		return nil, couch.Errorf(couch.BadRequest, "POST body must include `queries` parameter.")
	default:
		return nil, couch.Errorf(couch.BadRequest, "`queries` member must be an array.")
	}
	var out []Params
	for rest := range jsonscan.Elements(queries) {
		p := base
		if err := p.AddBody(jsonscan.Value(rest)); err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

// AddBody adds the members of a request's body, JSON as docjson prints it. Errors are
// those of AddMember, and a BadRequest where it is no object.
func (p *Params) AddBody(body []byte) error {
	if jsonscan.KindOf(body) != jsonscan.Object {
		return couch.Errorf(couch.BadRequest, "Request body must be a JSON object")
	}
	for raw, rest := range jsonscan.Members(body) {
		name, _ := jsonscan.Unescape(nil, raw)
		if err := p.AddMember(string(name), jsonscan.Value(rest)); err != nil {
			return err
		}
	}
	return nil
}
