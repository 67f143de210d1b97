package viewparams

import (
	"errors"
	"strconv"
	"strings"

	"settle/server/web"
	"settle/storage/couch"
	"settle/storage/docjson"
)

// Params are the parameters of a view, or of a list of documents, from the query, the
// body, or both: what the query says counts for more, and of one name what comes later.
type Params struct {
	query  web.Query // as it was given
	noKeys error     // for keys in it that are no array
	isJSON bool      // what is being read is JSON, not text

	Keys       []Key // where HasKeys: exactly these, in this order
	HasKeys    bool
	Start, End *Key // in the order of reading
	// StartID and EndID are where among the rows of equal keys the range begins and
	// ends.
	StartID, EndID string

	ExclusiveEnd bool
	Descending   bool
	Skip         int
	Limit        int // negative: no limit

	IncludeDocs     bool
	Attachments     bool // documents have their attachments' content inline
	AttEncodingInfo bool
	Conflicts       bool
	conflictsGiven  bool
	UpdateSeq       bool
	Unsorted        bool // the order of the rows does not matter

	Reduce     *bool // nil: not given
	Group      *bool // nil: not given
	GroupLevel int
	levelGiven bool // group_level counts for more than group=true

	Update    string // "", "true", "false" or "lazy"
	Partition string // "": all
	within    string // the partition that the path names, "": none
}

// Source is where a parameter comes from, which shows in some errors.
type Source int

const (
	fromQuery   Source = iota // text as it is
	FromBody                  // JSON
	fromQueries               // JSON, one of several queries
)

var (
	errKeysQuery   = couch.Errorf(couch.BadRequest, "`keys` parameter must be an array.")
	errKeysBody    = couch.Errorf(couch.BadRequest, "`keys` body member must be an array.")
	errKeysQueries = couch.Errorf(couch.QueryParse, "`keys` must be an array of strings.")
	errKeysRange   = couch.Errorf(couch.QueryParse, "`keys` is incompatible with `key`, `start_key` and `end_key`")
)

// noKeys is the error of a `keys` that is no array.
func (s Source) noKeys() error {
	switch s {
	case FromBody:
		return errKeysBody
	case fromQueries:
		return errKeysQueries
	}
	return errKeysQuery
}

// FromQuery reads the query parameters. Errors are a QueryParse, or a BadRequest
// where one is no JSON that must be.
func FromQuery(q web.Query) (Params, error) {
	o := Params{Limit: -1, query: q, noKeys: errKeysQuery}
	return o, o.readQuery()
}

// FromViewQuery is FromQuery for a view, of which CouchDB refuses keys in other words.
func FromViewQuery(q web.Query) (Params, error) {
	o := Params{Limit: -1, query: q, noKeys: errKeysQueries}
	return o, o.readQuery()
}

// readQuery takes what the query says.
func (o *Params) readQuery() error {
	for _, p := range o.query {
		var err error
		switch p.Name {
		case "keys":
			o.HasKeys = true
			o.Keys, err = parse(p.Value, func(r *docjson.Reader) ([]Key, error) { return ReadKeys(r, o.noKeys) })
		case "key", "startkey", "start_key", "endkey", "end_key":
			var k Key
			if k, err = parse(p.Value, readKey); err == nil {
				o.setBound(p.Name, k)
			}
		default:
			err = o.set(p.Name, p.Value)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

var errQueriesHere = couch.Errorf(couch.BadRequest, "The `queries` parameter is no longer supported at this endpoint")

// ReadQuery is ReadObject for the body of a single query, which has no `queries`.
func (o *Params) ReadQuery(r *docjson.Reader) error { return o.read(r, FromBody, true) }

// ReadObject adds the members of the JSON object at which r stands, but for what the
// query says otherwise. Errors are those of FromQuery.
func (o *Params) ReadObject(r *docjson.Reader, from Source) error { return o.read(r, from, false) }

func (o *Params) read(r *docjson.Reader, from Source, single bool) error {
	for name, err := range r.Members() {
		if err != nil {
			return err
		}
		switch name {
		case "queries":
			if single {
				return errQueriesHere
			}
		case "keys":
			o.HasKeys = true
			o.Keys, err = ReadKeys(r, from.noKeys())
		case "key", "startkey", "start_key", "endkey", "end_key":
			var k Key
			if k, err = readKey(r); err == nil {
				o.setBound(name, k)
			}
		default:
			if _, known := parameters[name]; known {
				err = o.setJSON(name, r)
			}
		}
		if err != nil {
			return err
		}
	}
	if from == fromQueries {
		return nil // what one of several queries says is its own
	}
	return o.readQuery()
}

func (o *Params) setJSON(name string, r *docjson.Reader) error {
	text, err := r.Value()
	if err != nil {
		return err
	}
	o.isJSON = true
	err = o.set(name, string(text))
	o.isJSON = false
	return err
}

func (o *Params) setBound(name string, k Key) {
	if name[0] != 'e' {
		o.Start = &k
	}
	if name[0] != 's' {
		o.End = &k
	}
}

// parameters says how each parameter changes the options. Those that have no
// effect on a list of documents are only checked.
var parameters = map[string]func(o *Params, text string) error{
	"limit":       func(o *Params, text string) error { return o.setCount(&o.Limit, text) },
	"skip":        func(o *Params, text string) error { return o.setCount(&o.Skip, text) },
	"group_level": setGroupLevel,

	"descending":    func(o *Params, text string) error { return setBool(&o.Descending, text) },
	"include_docs":  func(o *Params, text string) error { return setBool(&o.IncludeDocs, text) },
	"attachments":   func(o *Params, text string) error { return setBool(&o.Attachments, text) },
	"conflicts":     setConflicts,
	"update_seq":    func(o *Params, text string) error { return setBool(&o.UpdateSeq, text) },
	"inclusive_end": setInclusiveEnd,

	"att_encoding_info": func(o *Params, text string) error { return setBool(&o.AttEncodingInfo, text) },
	"sorted":            setSorted,

	"reduce":    func(o *Params, text string) error { return setPointer(&o.Reduce, text) },
	"group":     func(o *Params, text string) error { return setPointer(&o.Group, text) },
	"stale":     setStale,
	"stable":    func(_ *Params, text string) error { return oneOf(new(string), text, "stable", "true", "false") },
	"update":    func(o *Params, text string) error { return oneOf(&o.Update, text, "update", "true", "false", "lazy") },
	"partition": setPartition,

	"startkey_docid":   func(o *Params, text string) error { return setText(&o.StartID, text) },
	"start_key_doc_id": func(o *Params, text string) error { return setText(&o.StartID, text) },
	"endkey_docid":     func(o *Params, text string) error { return setText(&o.EndID, text) },
	"end_key_doc_id":   func(o *Params, text string) error { return setText(&o.EndID, text) },
}

func (o *Params) set(name, text string) error {
	if apply, known := parameters[name]; known {
		return apply(o, text)
	}
	return nil
}

func setInclusiveEnd(o *Params, text string) error {
	inclusive := true
	err := setBool(&inclusive, text)
	o.ExclusiveEnd = !inclusive
	return err
}

func setConflicts(o *Params, text string) error {
	o.conflictsGiven = true
	return setBool(&o.Conflicts, text)
}

func setSorted(o *Params, text string) error {
	sorted := true
	err := setBool(&sorted, text)
	o.Unsorted = !sorted
	return err
}

func setPointer(to **bool, text string) error {
	*to = new(bool)
	return setBool(*to, text)
}

// setText takes a string, which in a body has quotes.
func setText(to *string, text string) error {
	*to = text
	if k, err := parse(text, readKey); err == nil && k.IsString {
		*to = k.ID
	}
	return nil
}

// setBool reads "true" or "false", in any case, also as a JSON string.
func setBool(to *bool, text string) error {
	switch strings.ToLower(strings.Trim(text, `"`)) {
	case "true":
		*to = true
	case "false":
		*to = false
	default:
		return couch.Errorf(couch.QueryParse, "Invalid boolean parameter: %q", strings.Trim(text, `"`))
	}
	return nil
}

// setCount reads a number from 0 on. One that is too large for an int is the
// largest int.
func (o *Params) setCount(to *int, text string) error {
	n, err := strconv.Atoi(text)
	switch {
	case err != nil && !isLarge(text, err):
		return couch.Errorf(couch.QueryParse, "Invalid value for integer: %s", o.asTerm(text))
	case n < 0:
		return couch.Errorf(couch.QueryParse, "Invalid value for positive integer: %s", o.asTerm(text))
	}
	*to = n
	return nil
}

// asTerm prints a parameter as CouchDB's errors show it, a term of Erlang.
func (o *Params) asTerm(text string) string {
	switch {
	case o.isJSON && strings.HasPrefix(text, `"`):
		return "<<" + text + ">>"
	case o.isJSON:
		return text
	case text == "":
		return "[]"
	}
	return strconv.Quote(text)
}

// isLarge reports whether a text is the number that err refuses for its size.
func isLarge(text string, err error) bool {
	return errors.Is(err, strconv.ErrRange) && strings.Trim(text[1:], "0123456789") == ""
}

// CheckRange finds keys that contradict each other. The error is a QueryParse.
func (o *Params) CheckRange() error {
	if len(o.Keys) > 0 && (o.Start != nil || o.End != nil) {
		return errKeysRange
	}
	return nil
}

// maxLimit is the most rows that a view may be asked for: CouchDB's `query_limit`.
const maxLimit = 1 << 28

// CheckLimit refuses a limit that is too large for a view. The error is a QueryParse.
func (o *Params) CheckLimit() error {
	if o.Limit > maxLimit {
		return couch.Errorf(couch.QueryParse, "Limit is too large, must not exceed %d", maxLimit)
	}
	return nil
}

// Grouped reports whether the rows of a reduction are grouped by whole keys: group_level
// counts for more.
func (o *Params) Grouped() bool { return o.Group != nil && *o.Group && !o.levelGiven }

// DocOptions is what to read of the documents.
func (o *Params) DocOptions() couch.GetOptions {
	return couch.GetOptions{Conflicts: o.Conflicts}
}
