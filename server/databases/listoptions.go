package databases

import (
	"errors"
	"strconv"
	"strings"

	"settle/server/web"
	"settle/storage/couch"
	"settle/storage/docjson"
)

// listOptions are the parameters of a list of documents, from the query, the
// body, or both: what comes later wins.
type listOptions struct {
	keys       []key // where hasKeys: exactly these, in this order
	hasKeys    bool
	start, end *key

	exclusiveEnd bool
	descending   bool
	skip         int
	limit        int // negative: no limit

	includeDocs bool
	attachments bool // documents have their attachments' content inline
	conflicts   bool
	updateSeq   bool

	partition string // "": all
	view      viewOptions
}

// source is where a parameter comes from, which shows in some errors.
type source int

const (
	fromQuery   source = iota // text as it is
	fromBody                  // JSON
	fromQueries               // JSON, one of several queries
)

var (
	errKeysQuery   = couch.Errorf(couch.BadRequest, "`keys` parameter must be an array.")
	errKeysBody    = couch.Errorf(couch.BadRequest, "`keys` body member must be an array.")
	errKeysQueries = couch.Errorf(couch.QueryParse, "`keys` must be an array of strings.")
	errKeysRange   = couch.Errorf(couch.QueryParse, "`keys` is incompatible with `key`, `start_key` and `end_key`")
)

// noKeys is the error of a `keys` that is no array.
func (s source) noKeys() error {
	switch s {
	case fromBody:
		return errKeysBody
	case fromQueries:
		return errKeysQueries
	}
	return errKeysQuery
}

// queryOptions reads the options of the query parameters. Errors are a
// QueryParse, or a BadRequest where one is no JSON that must be.
func queryOptions(q web.Query) (listOptions, error) {
	o := listOptions{limit: -1}
	for _, p := range q {
		var err error
		switch p.Name {
		case "keys":
			o.hasKeys = true
			o.keys, err = parse(p.Value, func(r *docjson.Reader) ([]key, error) { return readKeys(r, errKeysQuery) })
		case "key", "startkey", "start_key", "endkey", "end_key":
			var k key
			if k, err = parse(p.Value, readKey); err == nil {
				o.setBound(p.Name, k)
			}
		default:
			err = o.set(p.Name, p.Value)
		}
		if err != nil {
			return o, err
		}
	}
	return o, nil
}

// readBody adds the options of the JSON object at which r stands. Errors are
// those of queryOptions.
func (o *listOptions) readBody(r *docjson.Reader, from source) error {
	for name, err := range r.Members() {
		if err != nil {
			return err
		}
		switch name {
		case "keys":
			o.hasKeys = true
			o.keys, err = readKeys(r, from.noKeys())
		case "key", "startkey", "start_key", "endkey", "end_key":
			var k key
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
	return nil
}

func (o *listOptions) setJSON(name string, r *docjson.Reader) error {
	text, err := r.Value()
	if err != nil {
		return err
	}
	return o.set(name, string(text))
}

func (o *listOptions) setBound(name string, k key) {
	if name[0] != 'e' {
		o.start = &k
	}
	if name[0] != 's' {
		o.end = &k
	}
}

// parameters says how each parameter changes the options. Those that have no
// effect on a list of documents are only checked.
var parameters = map[string]func(o *listOptions, text string) error{
	"limit":       func(o *listOptions, text string) error { return setCount(&o.limit, text) },
	"skip":        func(o *listOptions, text string) error { return setCount(&o.skip, text) },
	"group_level": setGroupLevel,

	"descending":    func(o *listOptions, text string) error { return setBool(&o.descending, text) },
	"include_docs":  func(o *listOptions, text string) error { return setBool(&o.includeDocs, text) },
	"attachments":   func(o *listOptions, text string) error { return setBool(&o.attachments, text) },
	"conflicts":     func(o *listOptions, text string) error { return setBool(&o.conflicts, text) },
	"update_seq":    func(o *listOptions, text string) error { return setBool(&o.updateSeq, text) },
	"inclusive_end": setInclusiveEnd,

	"att_encoding_info": checkBool,
	"sorted":            checkBool,

	"reduce":    func(o *listOptions, text string) error { return setBool(&o.view.reduce, text) },
	"group":     setGroup,
	"stale":     oneOf("stale", "ok", "update_after"),
	"stable":    oneOf("stable", "true", "false"),
	"update":    oneOf("update", "true", "false", "lazy"),
	"partition": setPartition,
}

func (o *listOptions) set(name, text string) error {
	if apply, known := parameters[name]; known {
		return apply(o, text)
	}
	return nil
}

func setInclusiveEnd(o *listOptions, text string) error {
	inclusive := true
	err := setBool(&inclusive, text)
	o.exclusiveEnd = !inclusive
	return err
}

func checkBool(_ *listOptions, text string) error { return setBool(new(bool), text) }

// setBool reads "true" or "false", in any case, also as a JSON string.
func setBool(to *bool, text string) error {
	switch strings.ToLower(strings.Trim(text, `"`)) {
	case "true":
		*to = true
	case "false":
		*to = false
	default:
		return couch.Errorf(couch.QueryParse, "Invalid boolean parameter: %q", text)
	}
	return nil
}

// setCount reads a number from 0 on. One that is too large for an int is the
// largest int.
func setCount(to *int, text string) error {
	n, err := strconv.Atoi(text)
	switch {
	case err != nil && !isLarge(text, err):
		return couch.Errorf(couch.QueryParse, "Invalid value for integer: %q", text)
	case n < 0:
		return couch.Errorf(couch.QueryParse, "Invalid value for positive integer: %d", n)
	}
	*to = n
	return nil
}

// isLarge reports whether a text is the number that err refuses for its size.
func isLarge(text string, err error) bool {
	return errors.Is(err, strconv.ErrRange) && strings.Trim(text[1:], "0123456789") == ""
}

// check finds options that contradict each other, or the kind of database. The
// error is a QueryParse.
func (o *listOptions) check(db Database) error {
	if err := o.view.check(); err != nil {
		return err
	}
	if len(o.keys) > 0 && (o.start != nil || o.end != nil) {
		return errKeysRange
	}
	if o.partition != "" && !db.Partitioned() {
		return errNoPartitions
	}
	return nil
}

// docOptions is what to read of the documents.
func (o *listOptions) docOptions() couch.GetOptions {
	return couch.GetOptions{Conflicts: o.conflicts}
}
