package web

import (
	"net/url"
	"strconv"
	"strings"

	"settle/storage/couch"
)

// Query holds the query parameters of a request, in order.
type Query []QueryParam

// QueryParam is one name and its value, both unescaped.
type QueryParam struct{ Name, Value string }

// parseQuery reads a raw query string. As in CouchDB "&" and ";" separate
// parameters, and "+" is a space. The error is a BadRequest.
func parseQuery(raw string) (Query, error) {
	var q Query
	for pair := range strings.FieldsFuncSeq(raw, func(c rune) bool { return c == '&' || c == ';' }) {
		name, value, _ := strings.Cut(pair, "=")
		name, errName := url.QueryUnescape(name)
		value, errValue := url.QueryUnescape(value)
		if errName != nil || errValue != nil {
			return nil, errURLEncoding
		}
		q = append(q, QueryParam{name, value})
	}
	return q, nil
}

// Lookup returns the value of a parameter, by any of its names, and whether
// there is one. Of several the last counts.
func (q Query) Lookup(names ...string) (string, bool) {
	for i := len(q) - 1; i >= 0; i-- {
		for _, name := range names {
			if q[i].Name == name {
				return q[i].Value, true
			}
		}
	}
	return "", false
}

// Get returns the value of a parameter, by any of its names, "" where there is none.
func (q Query) Get(names ...string) string {
	v, _ := q.Lookup(names...)
	return v
}

// Is reports whether a parameter is "true", at any of its places. Every other
// value counts as not given, which is the rule for documents and `_changes`.
func (q Query) Is(name string) bool {
	for _, p := range q {
		if p.Name == name && p.Value == "true" {
			return true
		}
	}
	return false
}

// Bool reads a boolean by the rule for views and `_all_docs`: "true" or
// "false", in any case. The error is a QueryParse.
func (q Query) Bool(names []string, otherwise bool) (bool, error) {
	v, ok := q.Lookup(names...)
	switch {
	case !ok:
		return otherwise, nil
	case strings.EqualFold(v, "true"):
		return true, nil
	case strings.EqualFold(v, "false"):
		return false, nil
	}
	return false, couch.Errorf(couch.QueryParse, "Invalid boolean parameter: %q", v)
}

// Count reads a number from 0 on. The error is a QueryParse.
func (q Query) Count(name string, otherwise int) (int, error) {
	v, ok := q.Lookup(name)
	if !ok {
		return otherwise, nil
	}
	n, err := strconv.Atoi(v)
	if err != nil {
		return 0, couch.Errorf(couch.QueryParse, "Invalid value for integer: %q", v)
	}
	if n < 0 {
		return 0, couch.Errorf(couch.QueryParse, "Invalid value for positive integer: %q", v)
	}
	return n, nil
}

// JSONString reads a parameter whose value is a JSON string; nil where it is
// not given, or null. The error is a BadRequest for what is no JSON, and a
// QueryParse for JSON of another type.
func (q Query) JSONString(names ...string) (*string, error) {
	v, ok := q.Lookup(names...)
	if !ok {
		return nil, nil
	}
	var value any
	if err := UnmarshalJSON([]byte(v), &value); err != nil {
		return nil, err
	}
	switch value := value.(type) {
	case nil:
		return nil, nil
	case string:
		return &value, nil
	}
	return nil, couch.Errorf(couch.QueryParse, "`%s` must be a JSON string", names[0])
}
