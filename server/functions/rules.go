package functions

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"settle/server/web"
	"settle/storage/couch"
	"settle/storage/design"
)

// rule is a rule of `rewrites`. Its meaning is that of chttpd_rewrite: segments of from
// that begin with ":" match any one, as "*" does, but that a last "*" matches all that
// follow; to and query may name what was matched, and parameters of the query.
type rule struct {
	From    *string                    `json:"from"`
	To      *string                    `json:"to"`
	Method  json.RawMessage            `json:"method"`
	Query   map[string]json.RawMessage `json:"query"`
	Formats map[string]any             `json:"formats"` // "int" or "bool", by what is named
}

// errRules is the answer where `rewrites` are no rules.
var errRules = &web.Error{Status: http.StatusNotFound, Name: design.RewriteError, Reason: "Invalid path."}

// parseRules reads the rules of a design document, JSON. What is no object is none of
// them. The error is errRules, or as of check.
func parseRules(doc []byte) ([]rule, error) {
	var body struct {
		Rewrites []json.RawMessage `json:"rewrites"`
	}
	if json.Unmarshal(doc, &body) != nil || body.Rewrites == nil {
		return nil, errRules
	}
	var rules []rule
	for _, text := range body.Rewrites {
		if text[0] != '{' {
			continue
		}
		var r rule
		if json.Unmarshal(text, &r) != nil {
			return nil, errRules
		}
		rules = append(rules, r)
	}
	return rules, check(rules)
}

// errNoTarget is the answer where a rule leads nowhere.
var errNoTarget = &web.Error{Status: http.StatusBadRequest, Name: "error", Reason: "invalid_rewrite_target"}

// maxUp is how often a rule may go up: to its database and no further.
const maxUp = 2

// check refuses rules of which one leads nowhere or out of its database, whichever of
// them a path matches. The error is errNoTarget or errInsecure.
func check(rules []rule) error {
	for _, rule := range rules {
		if rule.To == nil {
			return errNoTarget
		}
		if goesUp(*rule.To) > maxUp || rule.From != nil && goesUp(*rule.From) > maxUp {
			return errInsecure
		}
	}
	return nil
}

func goesUp(path string) int {
	n := 0
	for _, segment := range segments(path) {
		if segment == ".." {
			n++
		}
	}
	return n
}

// bindings are the values that names stand for, JSON.
type bindings map[string]json.RawMessage

// route finds the first rule that a path matches, and returns the path that it leads
// to; it adds the rule's parameters to query. The error is a BadRequest, for a key of
// the query that is no JSON.
func route(rules []rule, method string, path []string, query url.Values) (to []string, ok bool, err error) {
	given, err := parametersOf(query)
	if err != nil {
		return nil, false, err
	}
	for _, rule := range rules {
		if !rule.hasMethod(method) {
			continue
		}
		matched, rest, ok := rule.match(path)
		if !ok {
			continue
		}
		all := rule.parameters(matched, given)
		for name, value := range all {
			if name != "*" {
				query.Set(name, parameter(name, value))
			}
		}
		return fill(segments(*rule.To), all, rest), true, nil
	}
	return nil, false, nil
}

// parametersOf are the parameters of a query.
func parametersOf(query url.Values) (bindings, error) {
	given := make(bindings)
	for name := range query {
		value := query.Get(name)
		switch {
		case !isKey(name):
			given[name] = quoted(value)
		case json.Valid([]byte(value)):
			given[name] = json.RawMessage(value)
		default:
			return nil, couch.Errorf(couch.BadRequest, "invalid_json")
		}
	}
	return given, nil
}

func (r rule) hasMethod(method string) bool {
	return r.Method == nil || string(r.Method) == `"*"` || string(r.Method) == `"`+method+`"`
}

// match compares a path with from, and returns what its names stand for.
func (r rule) match(path []string) (matched bindings, rest []string, ok bool) {
	matched = make(bindings)
	from := []string{"*"}
	if r.From != nil {
		from = segments(*r.From)
	}
	for i, segment := range from {
		switch {
		case segment == "*" && i == len(from)-1:
			return matched, path[min(i, len(path)):], true
		case i >= len(path):
			return nil, nil, false
		case segment == "*", strings.HasPrefix(segment, ":"):
			matched[strings.TrimPrefix(segment, ":")] = quoted(path[i])
		case segment != path[i]:
			return nil, nil, false
		}
	}
	return matched, nil, len(from) == len(path)
}

// parameters are the rule's, and those of the path and the query where the rule has none
// of their names.
func (r rule) parameters(matched, given bindings) bindings {
	bound := maps.Clone(given)
	maps.Copy(bound, matched) // what the path says counts for more
	all := maps.Clone(bound)
	for name, value := range r.Query {
		all[name] = r.bind(value, bound)
	}
	return all
}

// bind puts what names stand for in the place of strings that begin with ":", also of
// those in an array, and in the place of "*".
func (r rule) bind(value json.RawMessage, bound bindings) json.RawMessage {
	var elements []json.RawMessage
	if string(value) == `"*"` {
		return r.named("*", value, bound)
	}
	if value[0] != '[' || json.Unmarshal(value, &elements) != nil {
		return r.element(value, bound)
	}
	for i := range elements {
		elements[i] = r.element(elements[i], bound)
	}
	return encoded(elements)
}

func (r rule) element(value json.RawMessage, bound bindings) json.RawMessage {
	var text string
	if json.Unmarshal(value, &text) != nil {
		return value
	}
	if name, ok := strings.CutPrefix(text, ":"); ok {
		return r.named(name, value, bound)
	}
	return value
}

// named is what a name stands for, otherwise where it stands for nothing.
func (r rule) named(name string, otherwise json.RawMessage, bound bindings) json.RawMessage {
	if found, ok := bound[name]; ok {
		return r.format(name, found)
	}
	return otherwise
}

// format makes a number or a boolean of a string, where the rule has a format for its
// name and it is one.
func (r rule) format(name string, value json.RawMessage) json.RawMessage {
	var text string
	if json.Unmarshal(value, &text) != nil {
		return value
	}
	switch r.Formats[name] {
	case "int":
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return strconv.AppendInt(nil, n, 10)
		}
	case "bool":
		if lower := strings.ToLower(text); lower == "true" || lower == "false" {
			return json.RawMessage(lower)
		}
	}
	return value
}

// isKey reports whether a parameter is one that views read as JSON.
func isKey(name string) bool {
	switch name {
	case "key", "startkey", "start_key", "endkey", "end_key", "keys":
		return true
	}
	return false
}

// parameter is the text of a parameter: JSON for keys, else of a string its value.
func parameter(name string, value json.RawMessage) string {
	if isKey(name) {
		return string(value)
	}
	return textOf(value)
}

// fill puts what was matched into a path. As in CouchDB what is not bound is
// "undefined", and nothing follows a "*".
func fill(to []string, bound bindings, rest []string) []string {
	var out []string
	for _, segment := range to {
		name, isName := strings.CutPrefix(segment, ":")
		value, ok := bound[name]
		switch {
		case segment == "*":
			return append(out, rest...)
		case isName && ok:
			out = append(out, textOf(value))
		case isName:
			out = append(out, "undefined")
		default:
			out = append(out, segment)
		}
	}
	return out
}

func quoted(text string) json.RawMessage { return encoded(text) }

// encoded is a value as JSON; all that is given to it has a form.
func encoded(value any) json.RawMessage {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(value) != nil {
		return json.RawMessage("null")
	}
	return json.RawMessage(strings.TrimSuffix(b.String(), "\n"))
}
