package web

import (
	"net/url"
	"slices"
	"strings"
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

// Lookup returns the value of a parameter, and whether there is one. Of several the
// first counts, where CouchDB asks for a parameter by its name.
func (q Query) Lookup(name string) (string, bool) {
	for _, p := range q {
		if p.Name == name {
			return p.Value, true
		}
	}
	return "", false
}

// LookupLast is Lookup where the last of several counts: where CouchDB goes through
// all parameters, as for reading documents.
func (q Query) LookupLast(name string) (string, bool) {
	for _, p := range slices.Backward(q) {
		if p.Name == name {
			return p.Value, true
		}
	}
	return "", false
}

// Get returns the value of a parameter, as Lookup, "" where there is none.
func (q Query) Get(name string) string {
	v, _ := q.Lookup(name)
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
